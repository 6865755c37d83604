/** Who ends what a guardian has left that could not do it itself. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { MARKER, markerOf, runToken } from '../../src/core/guard/marker.js';
import { keepSentinel } from '../../src/guard/sentinel.js';
import { install, start } from '../e2e/program.js';
import { kernel, lacks, SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { carrying, isLiving, openFamily } from './families.js';

describe.skipIf(lacks('pidfd'))('a sentinel', () => {
  it(
    'ends all of a family when the guardian is gone: the deaf, the stopped, the guarded guardian, and nobody else',
    async () => {
      const token = randomUUID();
      const run = runToken(token, 1);
      const other = await marked(runToken(randomUUID(), 1), 'sleep 60');
      const theirs = [
        await marked(run, 'setsid sleep 60 & sleep 60'),
        await marked(run, "trap '' TERM; while :; do sleep 0.05; done"),
        await marked(runToken(token, 2), 'kill -STOP $$; sleep 60'),
        await marked(markerOf(run, 'of-an-inner-one/1'), 'env -i sleep 60'),
      ];
      const sentinel = start(['guard-sentinel', token, '300ms']);
      // What tells all of a unit, or of a terminal, does not take it from its post.
      await until(() => catchesHangup(sentinel.child.pid ?? 0), SOON_MS);
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) sentinel.child.kill(signal);
      expect(theirs.every(isLiving)).toBe(true);
      sentinel.child.stdin.end();
      expect(await sentinel.ended).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(carrying(token)).toEqual([]);
      expect(isLiving(other)).toBe(true);
    },
    TEST_MS,
  );

  it(
    'knows the stop timeout that it was told last',
    async () => {
      const token = randomUUID();
      await marked(runToken(token, 1), "trap '' TERM; while :; do sleep 0.05; done");
      const sentinel = start(['guard-sentinel', token, '1h']);
      sentinel.child.stdin.end('2h\n100ms\n');
      expect(await sentinel.ended).toEqual({ code: 0, stdout: '', stderr: '' });
      expect(carrying(token)).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'that is lost is told and replaced, and ends with its guardian',
    async () => {
      const family = openFamily();
      const lost: string[] = [];
      const command = [process.execPath, install(), 'guard-sentinel', family.token, '1s'];
      const sentinel = keepSentinel(family, { command, onLost: (reason) => lost.push(reason) });
      const first = sentinel.pid ?? 0;
      process.kill(first, 'SIGKILL');
      await until(() => sentinel.pid !== undefined && sentinel.pid !== first, SOON_MS);
      const second = sentinel.pid ?? 0;
      expect(lost).toEqual(['it ended (SIGKILL)']);
      expect(isLiving(first)).toBe(false);
      expect(family.strangers()).toEqual([]);
      await sentinel.close();
      await sentinel.close();
      expect(kernel.kinOf(second)).toBeUndefined();
      expect(lost).toHaveLength(1);
    },
    TEST_MS,
  );

  it('that cannot be started is told, and nothing waits for it', async () => {
    const family = openFamily();
    const lost: string[] = [];
    const command = ['/nowhere/tcpalive'];
    const sentinel = keepSentinel(family, { command, onLost: (reason) => lost.push(reason) });
    await until(() => lost.length > 0, SOON_MS);
    expect(lost).toEqual(['spawn /nowhere/tcpalive ENOENT']);
    expect(sentinel.pid).toBeUndefined();
    await sentinel.close();
  });
});

/** Whether it has a handler for SIGHUP, its last: proc_pid_status(5). */
function catchesHangup(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  const caught = BigInt(`0x${/^SigCgt:\s*(\w+)/m.exec(status)?.[1] ?? '0'}`);
  return (caught & (1n << BigInt(constants.signals.SIGHUP - 1))) !== 0n;
}

/** A shell with that marker; its number. */
async function marked(marker: string, text: string): Promise<number> {
  const env = { ...process.env, [MARKER]: marker };
  const child = spawn('sh', ['-c', text], { env, stdio: 'ignore', detached: true });
  onTestFinished(() => void child.kill('SIGKILL'));
  await once(child, 'spawn');
  return child.pid ?? 0;
}
