/** A guardian's family within a test, which leaves nobody and nothing behind. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { carries, MARKER } from '../../src/core/guard/marker.js';
import type { Child, ChildOptions } from '../../src/guard/child.js';
import { Family } from '../../src/guard/family.js';
import { kernel, openDescriptors, SOON_MS } from '../real-kernel.js';
import { until } from '../until.js';

/** It is closed after the test, when all that carries its token must be gone, and no descriptor is left. */
export function openFamily(): Family {
  const before = openDescriptors();
  const family = new Family(kernel, process.env);
  onTestFinished(async () => {
    const left = carrying(family.token);
    for (const pid of left) process.kill(pid, 'SIGKILL');
    const strangers = family.strangers();
    family.close();
    expect(left).toEqual([]);
    expect(strangers).toEqual([]);
    await until(() => openDescriptors() === before, SOON_MS);
  });
  return family;
}

/** Living processes whose environment names that token. */
export function carrying(token: string): readonly number[] {
  return kernel
    .processIds()
    .filter((pid) => carries(kernel.variableOf(pid, MARKER), token) && isLiving(pid));
}

export function isLiving(pid: number): boolean {
  return kernel.kinOf(pid)?.hasEnded === false;
}

export interface Talking {
  readonly child: Child;
  /** What it writes into the file SAID, once there is a whole line: numbers, such as of processes. */
  readonly said: (lines?: number) => Promise<readonly number[]>;
}

/** Runs a program of a test's own. */
export async function started(
  family: Family,
  program: 'python3' | 'sh',
  text: string,
  options: Partial<ChildOptions> = {},
): Promise<Talking> {
  const said = join(freshFolder(), 'said');
  const outcome = await family.start({
    command: [program, '-c', text],
    variables: { ...process.env, SAID: said },
    output: 'ignore',
    ...options,
  });
  if (outcome.kind === 'failed') throw new Error(outcome.reason);
  return {
    child: outcome.child,
    said: async (lines = 1) => {
      await until(() => linesOf(said).length >= lines, SOON_MS);
      return linesOf(said).map(Number);
    },
  };
}

/** Whole ones. */
function linesOf(path: string): readonly string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').split('\n').slice(0, -1) : [];
}

/** Gone after the test. */
export function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-guard-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
