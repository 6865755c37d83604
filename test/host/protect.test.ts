/** On running programs of our own, through the kernel. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { ProtectEvent, ProtectResult } from '../../src/core/protection.js';
import { planProtection, type ProtectPlan } from '../../src/host/protect-plan.js';
import { dueBy, protect } from '../../src/host/protect.js';
import { readUndo, restore } from '../../src/host/undo.js';
import { openPair, type RealEnd } from '../kernel/linux/loopback.js';
import { engine, kernel, lacks, lacksEngine, SOON_MS, TEST_MS } from '../real-kernel.js';
import { refusalOf } from '../refusal.js';
import { until } from '../until.js';
import { optionsOf, untouched } from './held-options.js';
import { openClient, OWN_KEEPALIVE, startProgram } from './program.js';

vi.setConfig({ testTimeout: TEST_MS });

const KEEPALIVE = { idleSeconds: 60, intervalSeconds: 10, count: 6 };
const USER_TIMEOUT_MS = 120_000;
const WANTED = { ...KEEPALIVE, keepalive: true, userTimeoutMs: USER_TIMEOUT_MS };

const NOT_ROOT = process.getuid?.() !== 0;

interface Protecting {
  readonly tree?: boolean;
  readonly direction?: 'accepted' | 'both';
  readonly force?: boolean;
  readonly userTimeoutMs?: number | null;
}

function planFor(pid: number, options: Protecting = {}): ProtectPlan {
  const { tree = false, direction = 'both', force = false } = options;
  const { userTimeoutMs = USER_TIMEOUT_MS } = options;
  const terms = { wanted: { keepalive: KEEPALIVE, userTimeoutMs }, direction, force };
  return planProtection(kernel, { choice: { kind: 'pid', pid }, tree, terms });
}

interface Work {
  readonly events: readonly ProtectEvent[];
  readonly undoFile: string;
  readonly ended: Promise<ProtectResult>;
  interrupt(): void;
}

/** Interrupted after the test at the latest. */
function begin(plan: ProtectPlan, { spreadMs = 0, follow = false } = {}): Work {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-protect-'));
  const undoFile = join(folder, 'undo.jsonl');
  const controller = new AbortController();
  const events: ProtectEvent[] = [];
  const options = { undoFile, spreadMs, follow, interruption: controller.signal };
  const ended = protect(kernel, plan, options, (event) => events.push(event));
  onTestFinished(async () => {
    controller.abort();
    await ended;
    rmSync(folder, { recursive: true });
  });
  return { events, undoFile, ended, interrupt: () => controller.abort() };
}

describe.skipIf(lacks('pidfd', 'sockDiag'))('protect (needs pidfd, sockDiag)', () => {
  it('sets it on a running program, whose later connections inherit it, and restores', async () => {
    const { pid, port } = await startProgram();
    const early = await openClient(port);
    await until(() => optionsOf(pid, port, early.peer), SOON_MS);
    expect(optionsOf(pid, port, early.peer)).toEqual(untouched());
    expect(optionsOf(pid, port)).toEqual(untouched());

    const work = begin(planFor(pid));
    expect(await work.ended).toMatchObject({ changed: 2, complete: true, skipped: [] });
    expect(optionsOf(pid, port, early.peer)).toEqual(WANTED);
    expect(optionsOf(pid, port)).toEqual(WANTED);
    const late = await openClient(port);
    expect(await until(() => optionsOf(pid, port, late.peer), SOON_MS)).toEqual(WANTED);

    const counts = restore(kernel, readUndo(work.undoFile));
    expect(counts).toEqual({ restored: 2, unchanged: 0, gone: 0, refused: 0 });
    expect(optionsOf(pid, port, early.peer)).toEqual(untouched());
    expect(optionsOf(pid, port)).toEqual(untouched());
    expect(optionsOf(pid, port, late.peer)).toEqual(WANTED);
    expect(restore(kernel, readUndo(work.undoFile))).toMatchObject({ restored: 0, unchanged: 2 });
  });

  it('changes nothing by planning, and what is as wanted not at all', async () => {
    const { pid, port } = await startProgram();
    const { result } = planFor(pid);
    expect(result).toMatchObject({ dryRun: true, changed: 0, undoFile: null });
    expect(result.groups).toMatchObject([
      { role: 'listener', sockets: 1, changes: true, now: { idle: { kind: 'never' } } },
    ]);
    expect(optionsOf(pid, port)).toEqual(untouched());
    await begin(planFor(pid)).ended;
    const again = planFor(pid);
    expect(again.todo).toEqual([]);
    expect(await begin(again).ended).toMatchObject({ changed: 0, undoFile: null, dryRun: false });
  });

  it('leaves a user timeout as it is unless one is given', async () => {
    const { pid, port } = await startProgram();
    await begin(planFor(pid)).ended;
    const keepalive = { idleSeconds: 5, intervalSeconds: 5, count: 2 };
    const terms = { wanted: { keepalive, userTimeoutMs: null }, direction: 'both', force: false };
    const choice = { kind: 'pid', pid } as const;
    const plan = planProtection(kernel, {
      choice,
      tree: false,
      terms: { ...terms, direction: 'both' },
    });
    await begin(plan).ended;
    expect(optionsOf(pid, port)).toMatchObject({ ...keepalive, userTimeoutMs: USER_TIMEOUT_MS });
  });

  it('leaves keepalive as it is, on or off, unless one is given', async () => {
    const { pid, port } = await startProgram({ onAccept: 'keepalive' });
    const { peer } = await openClient(port);
    const had = await until(() => {
      const values = optionsOf(pid, port, peer);
      return values?.keepalive === true && values;
    }, SOON_MS);
    const terms = { wanted: { keepalive: null, userTimeoutMs: USER_TIMEOUT_MS }, force: false };
    const plan = planProtection(kernel, {
      choice: { kind: 'pid', pid },
      tree: false,
      terms: { ...terms, direction: 'both' },
    });
    const { ended, undoFile } = begin(plan);
    expect(await ended).toMatchObject({ changed: 2, skipped: [] });
    expect(optionsOf(pid, port, peer)).toEqual({ ...had, userTimeoutMs: USER_TIMEOUT_MS });
    expect(optionsOf(pid, port)).toEqual({ ...untouched(), userTimeoutMs: USER_TIMEOUT_MS });
    restore(kernel, readUndo(undoFile));
    expect(optionsOf(pid, port, peer)).toEqual(had);
  });

  it('leaves a slow reader out, whom the user timeout would end, unless forced', async () => {
    const { pid, port } = await startProgram({ onAccept: 'flood' });
    const { local, peer } = await openClient(port);
    await until(() => kernel.socketDiag(local, peer)?.timer.kind === 'zero-window', SOON_MS);
    const { result } = planFor(pid);
    expect(result.skipped).toEqual([{ reason: 'slow-reader', sockets: 1 }]);
    expect(result.groups.map(({ role }) => role)).toEqual(['listener']);
    await begin(planFor(pid)).ended;
    expect(optionsOf(pid, port, peer)).toEqual(untouched());
    // Keepalive alone ends nobody who answers.
    expect(planFor(pid, { userTimeoutMs: null }).result.skipped).toEqual([]);
    await begin(planFor(pid, { force: true })).ended;
    expect(optionsOf(pid, port, peer)).toEqual(WANTED);
  });

  describe.skipIf(lacksEngine)('whom a probe has left unanswered (needs an engine)', () => {
    async function probed(): Promise<RealEnd> {
      const { observer } = await openPair();
      const { fd } = observer;
      kernel.cut(fd, engine);
      kernel.setKeepalive(fd, { idleSeconds: 1, intervalSeconds: 100, count: 9 });
      await until(() => kernel.tcpInfo(fd)?.probes === 1, SOON_MS);
      return observer;
    }

    it('is left out among those who are quiet, keepalive being off again', async () => {
      await openPair();
      const { fd } = await probed();
      kernel.setOptionValues(fd, { ...kernel.optionValues(fd), keepalive: false });
      const before = kernel.optionValues(fd);
      const plan = planFor(process.pid, { userTimeoutMs: 1000 });
      expect(plan.result.skipped).toEqual([{ reason: 'probes-unanswered', sockets: 1 }]);
      await begin(plan).ended;
      expect([kernel.tcpInfo(fd)?.state, kernel.optionValues(fd)]).toEqual(['ESTABLISHED', before]);
    });

    it('is not ended before its time, where a user timeout alone is forced on it', async () => {
      const { fd, local, remote } = await probed();
      const wanted = { keepalive: null, userTimeoutMs: 1000 };
      const choice = { kind: 'pid', pid: process.pid } as const;
      const terms = { wanted, direction: 'both', force: true } as const;
      await begin(planProtection(kernel, { choice, tree: false, terms })).ended;
      expect(kernel.optionValues(fd).userTimeoutMs).toBe(1000);
      // A timer that is armed anew fires at once, and would find that over.
      const { timer } = kernel.socketDiag(local, remote) ?? {};
      expect(timer?.kind).toBe('keepalive');
      expect(timer?.expiresInMs).toBeGreaterThan(50_000);
    });
  });

  it('touches no descriptor that is another socket by now', async () => {
    const first = await openPair();
    const plan = planFor(process.pid);
    first.peer.socket.destroy();
    first.observer.socket.destroy();
    await until(() => kernel.cookie(first.peer.fd) === undefined, SOON_MS);
    await until(() => kernel.cookie(first.observer.fd) === undefined, SOON_MS);
    const second = await openPair();
    const old = [first.observer.fd, first.peer.fd];
    const reused = [second.observer.fd, second.peer.fd].filter((fd) => old.includes(fd));
    expect(reused).not.toEqual([]);
    const result = await begin(plan).ended;
    expect(result.skipped).toContainEqual({ reason: 'gone', sockets: 2 });
    for (const fd of reused) expect(kernel.optionValues(fd).keepalive).toBe(false);
  });

  it('records what the program has set meanwhile: that is what comes back', async () => {
    const { observer } = await openPair();
    const plan = planFor(process.pid);
    kernel.setKeepalive(observer.fd, OWN_KEEPALIVE);
    const own = kernel.optionValues(observer.fd);
    const { ended, undoFile } = begin(plan);
    await ended;
    expect(kernel.optionValues(observer.fd)).toEqual(WANTED);
    restore(kernel, readUndo(undoFile));
    expect(kernel.optionValues(observer.fd)).toEqual(own);
  });

  it('takes what the program opened itself, or only what it accepted', async () => {
    const { pid } = await startProgram({ opens: true });
    expect(planFor(pid).todo).toHaveLength(3);
    const { todo, result } = planFor(pid, { direction: 'accepted' });
    expect(todo.map(({ socket }) => socket.state).toSorted()).toEqual(['ESTABLISHED', 'LISTEN']);
    expect(result.skipped).toEqual([{ reason: 'opened', sockets: 1 }]);
  });

  it('spreads connections, tells how far it is, and stops when interrupted', async () => {
    const { pid, port } = await startProgram();
    const clients = await Promise.all(Array.from({ length: 8 }, () => openClient(port)));
    await until(() => planFor(pid).todo.length === 9, SOON_MS);
    const work = begin(planFor(pid), { spreadMs: 3_600_000 });
    const progress = await until(
      () => work.events.find(({ kind }) => kind === 'progress'),
      SOON_MS,
    );
    expect(progress).toMatchObject({ done: 1, total: 8 });
    work.interrupt();
    expect(await work.ended).toMatchObject({ complete: false, changed: 2 });
    expect(optionsOf(pid, port)).toEqual(WANTED);
    const set = clients.filter(({ peer }) => optionsOf(pid, port, peer)?.keepalive === true);
    expect(set).toHaveLength(1);
    expect(restore(kernel, readUndo(work.undoFile))).toMatchObject({ restored: 2, unchanged: 7 });
  });

  it(
    'reaches a program in another network namespace (needs root)',
    { skip: NOT_ROOT },
    async () => {
      const { pid, port } = await startProgram({ through: ['unshare', '--net'] });
      const [group] = planFor(pid).result.groups;
      expect(group?.namespace).toBe(kernel.networkNamespace(pid)?.id);
      expect(group?.namespace).not.toBe(kernel.networkNamespace(process.pid)?.id);
      await begin(planFor(pid)).ended;
      expect(optionsOf(pid, port)).toEqual(WANTED);
    },
  );
});

describe.skipIf(lacks('pidfd', 'sockDiag'))('protect --follow (needs pidfd, sockDiag)', () => {
  it('sets it again where the program overrides what it inherits, and says so once', async () => {
    const { pid, port } = await startProgram({ onAccept: 'keepalive' });
    const early = await openClient(port);
    await until(() => optionsOf(pid, port, early.peer)?.keepalive, SOON_MS);
    const work = begin(planFor(pid), { follow: true });
    await until(() => work.events.some(({ kind }) => kind === 'following'), SOON_MS);
    const late = [await openClient(port), await openClient(port)];
    for (const { peer } of late) {
      await until(() => optionsOf(pid, port, peer)?.idleSeconds === 60, SOON_MS);
    }
    work.interrupt();
    const result = await work.ended;
    expect(result).toMatchObject({ complete: true, followed: { changed: 2, overridden: 2 } });
    expect(work.events.filter(({ kind }) => kind === 'overridden')).toEqual([
      {
        kind: 'overridden',
        port,
        keepalive: { kind: 'known', ...OWN_KEEPALIVE },
        // Inherited, and not overridden.
        userTimeoutMs: USER_TIMEOUT_MS,
      },
    ]);
    restore(kernel, readUndo(work.undoFile));
    expect(optionsOf(pid, port, late[0]?.peer)).toMatchObject(OWN_KEEPALIVE);
  });

  it('says nothing of an override where what is new inherits', async () => {
    const { pid, port } = await startProgram();
    const work = begin(planFor(pid), { follow: true });
    await until(() => work.events.some(({ kind }) => kind === 'following'), SOON_MS);
    const { peer } = await openClient(port);
    expect(await until(() => optionsOf(pid, port, peer), SOON_MS)).toEqual(WANTED);
    await new Promise((resolve) => setTimeout(resolve, 2500)); // the two looks that it gets
    work.interrupt();
    expect(await work.ended).toMatchObject({ followed: { changed: 0, overridden: 0 } });
    expect(work.events.map(({ kind }) => kind)).toEqual(['recorded', 'following']);
  });

  it('ends when nobody is left to follow', async () => {
    const { pid, child } = await startProgram();
    const work = begin(planFor(pid), { follow: true });
    await until(() => work.events.some(({ kind }) => kind === 'following'), SOON_MS);
    child.kill('SIGKILL');
    expect(await work.ended).toMatchObject({ complete: true });
    expect(work.events.at(-1)).toEqual({ kind: 'targets-gone' });
  });
});

describe.skipIf(lacks('pidfd', 'sockDiag'))('nobody to protect (needs pidfd, sockDiag)', () => {
  it('a process that is not there', () => {
    expect(refusalOf(() => planFor(4_194_303))).toMatchObject({
      code: 'NO_TARGET',
      message: 'there is no process 4194303',
    });
  });

  it('a thread of the kernel', { skip: kernel.processFacts(2)?.isKernelThread !== true }, () => {
    expect(refusalOf(() => planFor(2))).toMatchObject({
      code: 'NO_TARGET',
      message: expect.stringMatching(
        /^process 2 \(kthreadd\) is a thread of the kernel/,
      ) as unknown,
    });
  });

  it('a process without TCP sockets, and nothing is written', async () => {
    const { spawn } = await import('node:child_process');
    const child = spawn('sleep', ['60']);
    onTestFinished(() => void child.kill());
    const name = () => kernel.processFacts(child.pid ?? 0)?.name === 'sleep';
    await until(name, SOON_MS);
    expect(refusalOf(() => planFor(child.pid ?? 0))).toMatchObject({
      code: 'NO_TARGET',
      message: `process ${child.pid} (sleep) holds no TCP socket`,
    });
  });
});

describe('dueBy', () => {
  it.each([
    [0, 4, 1000, 1],
    [249, 4, 1000, 1],
    [250, 4, 1000, 2],
    [750, 4, 1000, 4],
    [9999, 4, 1000, 4],
    [0, 4, 0, 4],
    [0, 0, 1000, 0],
  ])('after %d ms, of %d spread over %d ms: %d', (elapsedMs, count, spreadMs, due) => {
    expect(dueBy(elapsedMs, count, spreadMs)).toBe(due);
  });

  it('is never more than the share of the time, and one', () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.nat(5000),
        fc.integer({ min: 1, max: 100_000 }),
        (elapsed, count, spread) => {
          const due = dueBy(elapsed, count, spread);
          expect(due).toBeLessThanOrEqual(Math.min(count, (elapsed / spread) * count + 1));
          expect(due).toBeGreaterThanOrEqual(
            Math.min(count, Math.floor((elapsed / spread) * count)),
          );
        },
      ),
    );
  });
});
