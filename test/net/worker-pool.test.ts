/** What a primary makes of its workers, with workers that do as they are told; real ones: e2e/restart.test.ts. */
import type { ChildProcess } from 'node:child_process';
import { EventEmitter } from 'node:events';
import { Socket } from 'node:net';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { NO_COUNTS } from '../../src/core/server-counts.js';
import type { SessionsOptions } from '../../src/net/sessions.js';
import type { FromWorker, ToWorker } from '../../src/net/worker-messages.js';
import { WorkerPool, type WorkerEvent } from '../../src/net/worker-pool.js';
import { snapshot } from '../core/server-snapshot.js';
import { refused } from './refused.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'hrtime'] });
  onTestFinished(() => void vi.useRealTimers());
});

describe('a pool of workers', () => {
  it('is there when all of them are ready', async () => {
    const { pool, workers, events } = await pooled(2);
    expect(workers.map(({ orders }) => orders[0])).toMatchObject([
      { kind: 'start', watchSelf: true },
      { kind: 'start', watchSelf: true },
    ]);
    expect(events).toEqual([
      { kind: 'worker-started', worker: 1, pid: 101 },
      { kind: 'worker-started', worker: 2, pid: 102 },
    ]);
    expect(pool.connections).toBe(0);
  });

  it('is refused, and none is left, when one of them is not there', async () => {
    const { workers, start } = fakeProcesses();
    const starting = refused(WorkerPool.start({ ...OPTIONS, workers: 2, start }, () => undefined));
    const [first, second] = workers as [FakeWorker, FakeWorker];
    first.tells({ kind: 'ready' });
    second.emit('error', new Error('spawn EAGAIN'));
    await thisTurn();
    expect(first.killed).toEqual(['SIGKILL']);
    first.ends('SIGKILL');
    expect(await starting).toMatchObject({
      code: 'WORKER_FAILED',
      message: 'worker 2 is not there: it cannot be started: spawn EAGAIN',
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(workers).toHaveLength(2);
  });

  it('hands on one at a time, to whoever has fewest', async () => {
    const { pool, workers } = await pooled(2);
    const [first, second] = workers as [FakeWorker, FakeWorker];
    for (let count = 0; count < 5; count++) expect(pool.take(socket())).toBe(true);
    expect(pool.connections).toBe(5);
    expect([first.sockets, second.sockets]).toEqual([1, 1]);
    first.tells({ kind: 'hand', taken: 1, open: 1 });
    second.tells({ kind: 'hand', taken: 1, open: 0 });
    expect([first.sockets, second.sockets]).toEqual([2, 2]);
    expect(pool.connections).toBe(4);
    expect(pool.take(socket())).toBe(true); // one is gone from the second
    second.tells({ kind: 'hand', taken: 2, open: 1 });
    expect([first.sockets, second.sockets]).toEqual([2, 3]);
  });

  it('keeps no more on their way than it may', async () => {
    const { pool, workers } = await pooled(1, { mostWaiting: 2 });
    const answers = Array.from({ length: 3 }, () => pool.take(socket()));
    expect(answers).toEqual([true, true, false]);
    workers[0]?.tells({ kind: 'hand', taken: 1, open: 1 });
    expect(pool.take(socket())).toBe(true);
  });

  it('passes over who takes nothing for a second, and gives what waits for it to others', async () => {
    const { pool, workers } = await pooled(2);
    const [well, stopped] = workers as [FakeWorker, FakeWorker];
    for (let count = 0; count < 6; count++) pool.take(socket());
    for (const taken of [1, 2, 3]) well.tells({ kind: 'hand', taken, open: taken });
    expect([well.sockets, stopped.sockets]).toEqual([3, 1]);
    vi.advanceTimersByTime(1000);
    well.tells({ kind: 'counts', counts: NO_COUNTS });
    expect(well.sockets).toBe(3); // not yet: a busy one takes a turn
    vi.advanceTimersByTime(1);
    well.tells({ kind: 'counts', counts: NO_COUNTS });
    for (const taken of [4, 5]) well.tells({ kind: 'hand', taken, open: taken });
    expect([well.sockets, stopped.sockets]).toEqual([5, 1]);
    expect(pool.connections).toBe(6);
    pool.take(socket());
    expect([well.sockets, stopped.sockets]).toEqual([6, 1]);
  });

  it('tells one that is well and has not taken what was sent that it is lost', async () => {
    const { pool, workers } = await pooled(1);
    const [worker] = workers as [FakeWorker];
    for (let count = 0; count < 2; count++) pool.take(socket());
    worker.tells({ kind: 'counts', counts: NO_COUNTS });
    expect(worker.told('sent')).toEqual([]);
    vi.advanceTimersByTime(1001);
    worker.tells({ kind: 'counts', counts: NO_COUNTS });
    expect(worker.told('sent')).toEqual([{ kind: 'sent', sockets: 1 }]);
    worker.tells({ kind: 'hand', taken: 1, open: 0 });
    expect(worker.sockets).toBe(2);
    expect(pool.connections).toBe(1);
  });

  it('deals what an ended one has not got anew, and counts what it had as lost', async () => {
    const { pool, workers, events } = await pooled(2);
    const [first, second] = workers as [FakeWorker, FakeWorker];
    for (let count = 0; count < 6; count++) pool.take(socket());
    first.tells({ kind: 'counts', counts: { ...NO_COUNTS, accepted: 1, endedBy: { FIN: 1 } } });
    second.tells({ kind: 'hand', taken: 1, open: 1 });
    first.ends('SIGKILL');
    expect(events.slice(2)).toEqual([
      {
        ...{ kind: 'worker-lost', worker: 1, pid: 101, connections: 1 },
        reason: 'it ended (SIGKILL)',
      },
    ]);
    for (const taken of [2, 3, 4, 5]) second.tells({ kind: 'hand', taken, open: taken });
    expect(second.sockets).toBe(5);
    // The one that is lost was let in after it had told.
    expect(pool.counts).toEqual({ ...NO_COUNTS, accepted: 2, endedBy: { FIN: 1, worker: 1 } });
  });

  it('replaces who ends, each time after twice as long, and keeps who connects meanwhile', async () => {
    const { pool, workers } = await pooled(1);
    for (const pauseMs of [100, 200, 400]) {
      workers.at(-1)?.ends('SIGKILL');
      pool.take(socket());
      const count = workers.length;
      vi.advanceTimersByTime(pauseMs - 1);
      expect(workers).toHaveLength(count);
      vi.advanceTimersByTime(1);
      expect(workers).toHaveLength(count + 1);
    }
    expect(pool.connections).toBe(3);
    const last = workers.at(-1);
    last?.tells({ kind: 'ready' });
    for (const taken of [1, 2, 3]) last?.tells({ kind: 'hand', taken, open: taken });
    expect(last?.sockets).toBe(3);
  });

  it('replaces at once who was steady: that was an accident', async () => {
    const { workers } = await pooled(1);
    for (let count = 1; count < 4; count++) {
      vi.advanceTimersByTime(10_000);
      workers.at(-1)?.ends('SIGSEGV');
      vi.advanceTimersByTime(100);
      expect(workers).toHaveLength(count + 1);
      workers.at(-1)?.tells({ kind: 'ready' });
    }
  });

  it('knows each one that answers, and says who has a bug', async () => {
    const { pool, workers } = await pooled(2);
    const [first, second] = workers as [FakeWorker, FakeWorker];
    const well = pool.snapshots();
    first.tells({ kind: 'snapshot', snapshot: snapshot({ pid: 101 }) });
    second.tells({ kind: 'snapshot', snapshot: snapshot({ pid: 102 }) });
    expect((await well).map(({ pid }) => pid)).toEqual([101, 102]);
    const silent = pool.snapshots();
    second.tells({ kind: 'snapshot', snapshot: snapshot({ pid: 102 }) });
    expect((await silent).map(({ pid }) => pid)).toEqual([102]);
    const bug = pool.snapshots();
    first.tells({ kind: 'bug', stack: 'TypeError: no\n    at there' });
    await expect(bug).rejects.toThrow('TypeError: no\n    at there');
  });

  it('drains: what was accepted is handed on first, and whoever has ended ends it', async () => {
    const { pool, workers } = await pooled(2);
    const [first, second] = workers as [FakeWorker, FakeWorker];
    for (let count = 0; count < 4; count++) pool.take(socket());
    const drained = pool.drain(5000, new AbortController().signal);
    for (const worker of [first, second]) {
      for (const taken of [1, 2]) worker.tells({ kind: 'hand', taken, open: taken });
    }
    const order = { kind: 'drain', timeoutMs: 5000 };
    await thisTurn();
    expect(second.told('drain')).toEqual([order]);
    first.tells({ kind: 'ended', counts: { ...NO_COUNTS, accepted: 2 }, stillOpen: 0 });
    second.tells({ kind: 'ended', counts: { ...NO_COUNTS, accepted: 2 }, stillOpen: 1 });
    for (const worker of [first, second]) worker.ends();
    await drained;
    expect({ accepted: pool.counts.accepted, stillOpen: pool.stillOpen }).toEqual({
      accepted: 4,
      stillOpen: 1,
    });
    vi.advanceTimersByTime(60_000);
    expect(workers.map(({ killed }) => killed)).toEqual([[], []]);
    expect(workers).toHaveLength(2);
  });

  it('ends who does not end five seconds after the drain, or after the interruption', async () => {
    for (const [interrupts, afterMs] of [
      [false, 10_000],
      [true, 5000],
    ] as const) {
      const { pool, workers } = await pooled(1);
      const [worker] = workers as [FakeWorker];
      const interruption = new AbortController();
      const drained = pool.drain(5000, interruption.signal);
      await thisTurn();
      expect(worker.told('drain')).toHaveLength(1);
      if (interrupts) interruption.abort();
      expect(worker.told('close')).toHaveLength(interrupts ? 1 : 0);
      vi.advanceTimersByTime(afterMs - 1);
      expect(worker.killed).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(worker.killed).toEqual(['SIGKILL']);
      worker.ends('SIGKILL');
      await drained;
    }
  });
});

/** A child process that takes what it is sent, and does nothing by itself. */
class FakeWorker extends EventEmitter {
  readonly connected = true;
  readonly orders: ToWorker[] = [];
  readonly killed: NodeJS.Signals[] = [];

  constructor(readonly pid: number) {
    super();
  }

  /** How many it was sent. */
  get sockets(): number {
    return this.told('take').length;
  }

  told(kind: ToWorker['kind']): readonly ToWorker[] {
    return this.orders.filter((order) => order.kind === kind);
  }

  send(order: ToWorker): boolean {
    this.orders.push(order);
    return true;
  }

  kill(signal: NodeJS.Signals): boolean {
    this.killed.push(signal);
    return true;
  }

  tells(message: FromWorker): void {
    this.emit('message', message);
  }

  ends(signal: NodeJS.Signals | null = null): void {
    this.emit('exit', signal === null ? 0 : null, signal);
  }
}

const OPTIONS = { sessions: {} as SessionsOptions, watchSelf: true, mostWaiting: 100 };

async function pooled(count: number, options: { readonly mostWaiting?: number } = {}) {
  const { workers, start } = fakeProcesses();
  const events: WorkerEvent[] = [];
  const starting = WorkerPool.start({ ...OPTIONS, ...options, workers: count, start }, (event) =>
    events.push(event),
  );
  for (const worker of workers) worker.tells({ kind: 'ready' });
  return { pool: await starting, workers, events };
}

function fakeProcesses() {
  const workers: FakeWorker[] = [];
  const start = () => {
    const worker = new FakeWorker(101 + workers.length);
    workers.push(worker);
    return worker as unknown as ChildProcess;
  };
  return { workers, start };
}

/** What it waits for and has got, it goes on with. */
async function thisTurn(): Promise<void> {
  await vi.advanceTimersByTimeAsync(0);
}

/** Connected to nobody. */
function socket(): Socket {
  return new Socket().on('error', () => undefined);
}
