import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { platform } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decodeStatus } from '../../../src/kernel/linux/family.js';
import { kernel, lacks, openDescriptors, SOON_MS } from '../../real-kernel.js';
import { until } from '../../until.js';

/** PID_MAX_LIMIT, linux/threads.h. */
const NOBODYS_PID = 4_194_305;

describe.skipIf(platform() !== 'linux' || lacks('pidfd'))('a family', () => {
  it('is known by parent, group, session and environment', async () => {
    const child = sleeping({ detached: true });
    const { pid = 0 } = child;
    await until(() => kernel.kinOf(pid)?.name === 'sleep', SOON_MS);
    expect(kernel.kinOf(pid)).toMatchObject({
      parentPid: process.pid,
      groupId: pid,
      sessionId: pid,
      startedAtTicks: kernel.processFacts(pid)?.startedAtTicks,
      hasEnded: false,
    });
    expect(kernel.variableOf(pid, 'TCPALIVE_COLOUR')).toBe('blue=green');
    expect(kernel.variableOf(pid, 'TCPALIVE_COLOU')).toBeUndefined();
    expect(kernel.children()).toContain(pid);
    expect(kernel.kinOf(NOBODYS_PID)).toBeUndefined();
    expect(kernel.variableOf(NOBODYS_PID, 'PATH')).toBeUndefined();
  });

  it('a held process gets its signals, and nobody in its place', async () => {
    const before = openDescriptors();
    const child = sleeping({});
    const held = kernel.holdProcess(child.pid ?? 0);
    expect(held?.hasEnded()).toBe(false);
    expect(held?.signal('SIGTERM')).toBe(true);
    const [code, signal] = (await once(child, 'exit')) as unknown[];
    expect([code, signal]).toEqual([null, 'SIGTERM']);
    expect(held?.hasEnded()).toBe(true);
    expect(held?.signal('SIGKILL')).toBe(false);
    held?.release();
    held?.release();
    expect(kernel.holdProcess(NOBODYS_PID)).toBeUndefined();
    expect(openDescriptors()).toBe(before);
  });

  it('adopts orphans when it says so, and reaps them alone', async () => {
    kernel.adoptOrphans(true);
    onTestFinished(() => kernel.adoptOrphans(false));
    const own = sleeping({});
    const parent = spawn('sh', ['-c', '(sleep 0.05; exit 7) & echo $!']);
    const [printed] = (await once(parent.stdout, 'data')) as [Buffer];
    const orphan = Number(printed.toString());
    await until(() => kernel.kinOf(orphan)?.hasEnded, SOON_MS);
    expect(kernel.children()).toContain(orphan);
    expect(kernel.reap(own.pid ?? 0)).toBeUndefined();
    expect(kernel.reap(orphan)).toEqual({ code: 7, signal: null });
    expect(kernel.reap(orphan)).toBeUndefined();
    expect(kernel.children()).not.toContain(orphan);
  });
});

describe('how a child ended', () => {
  it.each([
    [0, { code: 0, signal: null }],
    [0xff00, { code: 255, signal: null }],
    [9, { code: null, signal: 'SIGKILL' }],
    [0x8b, { code: null, signal: 'SIGSEGV' }], // with a core dump
  ])('%d', (status, end) => {
    expect(decodeStatus(status)).toEqual(end);
  });
});

function sleeping(options: { readonly detached?: boolean }) {
  const env = { ...process.env, TCPALIVE_COLOUR: 'blue=green' };
  const child = spawn('sleep', ['60'], { stdio: 'ignore', env, ...options });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}
