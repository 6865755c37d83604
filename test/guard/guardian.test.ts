/** What only a process of its own can show: a guardian that is PID 1, or is killed. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'rolldown';
import { describe, expect, it, onTestFinished } from 'vitest';
import { namespaceRefusal } from '../../src/kernel/namespace.js';
import { install } from '../e2e/program.js';
import { lacks, SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { carrying, freshFolder, isLiving } from './families.js';

/** A namespace of numbers, in which the guardian is the first process. */
const AS_FIRST = ['--user', '--map-root-user', '--pid', '--fork', '--kill-child', '--mount-proc'];

const lacksNamespace = process.env['CI'] === undefined && (await namespaceRefusal()) !== undefined;

describe.skipIf(lacks('pidfd') || lacksNamespace)('a guardian that is PID 1', () => {
  it(
    'reaps a storm of orphans, and its own children all the same',
    async () => {
      expect(await first('storm', '500')).toEqual({
        by: expect.stringMatching(/^(already|TERM|KILL)$/) as string,
        named: [],
        tookMs: expect.any(Number) as number,
        code: 6,
        left: [1],
      });
    },
    TEST_MS,
  );

  it(
    'leaves whoever has the number of a service by now alone',
    async () => {
      expect(await first('reuse')).toEqual({
        standing: 'stranger',
        isFollowed: false,
        by: 'already',
        isLiving: true,
      });
    },
    TEST_MS,
  );
});

describe.skipIf(lacks('pidfd'))('a guardian that is killed with -9', () => {
  it(
    'takes all of its services with it, and its sentinel last',
    async () => {
      const sentinel = [process.execPath, install(), 'guard-sentinel'];
      const guardian = spawn(process.execPath, [await bundled(), 'held', ...sentinel]);
      onTestFinished(() => void guardian.kill('SIGKILL'));
      const [line] = (await once(guardian.stdout, 'data')) as [Buffer];
      const told = JSON.parse(line.toString()) as { token: string; sentinel: number };
      // The deaf one with what it has left behind and what it waits for, the stopped one and its child.
      await until(() => carrying(told.token).length >= 5, SOON_MS);
      guardian.kill('SIGKILL');
      await until(() => !isLiving(told.sentinel), SOON_MS);
      expect(carrying(told.token)).toEqual([]);
    },
    TEST_MS,
  );
});

async function first(...args: readonly string[]): Promise<unknown> {
  const command = [...AS_FIRST, process.execPath, await bundled(), ...args];
  const { stdout } = await promisify(execFile)('unshare', command);
  return JSON.parse(stdout);
}

/** guardian.ts as Node runs it. */
async function bundled(): Promise<string> {
  const folder = freshFolder();
  const file = join(folder, 'guardian.mjs');
  symlinkSync(resolve('node_modules'), join(folder, 'node_modules'));
  await build({
    input: 'test/guard/guardian.ts',
    platform: 'node',
    external: ['koffi'],
    output: { file, format: 'esm', codeSplitting: false },
  });
  return file;
}
