/** `tcpalive guard`, and what it tells. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { GuardEntry } from '../../src/core/guard/guard-log.js';
import { until } from '../until.js';
import { start, type Running, type StartOptions } from './program.js';

type Event = GuardEntry['event'];
type Entry<Name extends Event> = Extract<GuardEntry, { readonly event: Name }>;

export interface Guarding extends Running {
  /** All so far, of one service where it is named. */
  told<Name extends Event>(event: Name, service?: string): readonly Entry<Name>[];
  /** Resolves with the nth of them, from 1. */
  tells<Name extends Event>(event: Name, service?: string, nth?: number): Promise<Entry<Name>>;
}

/** Long against anything that is waited for, and shorter than a test's own time. */
const DEADLINE_MS = 40_000;

const bin = 'dist/cli.cjs';

export function guard(args: readonly string[], options: StartOptions = {}): Guarding {
  const running = start(['guard', '--json', ...args], { bin, ...options });
  let lines: readonly GuardEntry[] = [];
  let rest = '';
  running.child.stdout.on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines = [...lines, ...parts.map(parsed)];
  });
  const told = <Name extends Event>(event: Name, service?: string) =>
    lines.filter(
      (entry): entry is Entry<Name> =>
        entry.event === event &&
        (service === undefined || ('service' in entry && entry.service === service)),
    );
  return {
    ...running,
    told,
    tells: (event, service, nth = 1) =>
      until(() => told(event, service)[nth - 1], DEADLINE_MS).catch((cause: unknown) => {
        throw new Error(`not told: ${event} ${service ?? ''}\n${running.printed()}`, { cause });
      }) as never,
  };
}

/** A file of that name in a folder that is gone after the test. */
export function fileWith(name: string, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-guard-e2e-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

/** A configuration; JSON is YAML. */
export function configOf(services: readonly object[]): string {
  return fileWith('guard.yaml', JSON.stringify({ services }));
}

function parsed(line: string): GuardEntry {
  return JSON.parse(line) as GuardEntry;
}
