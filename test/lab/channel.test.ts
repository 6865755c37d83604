import { EventEmitter } from 'node:events';
import type { ChildProcess } from 'node:child_process';
import { describe, expect, it, onTestFinished } from 'vitest';
import { remote } from '../../src/lab/channel.js';
import { startPeer } from '../../src/lab/peer.js';
import { refused } from '../net/refused.js';
import { plainListen } from './stations.js';

describe('remote', () => {
  it('turns a call into a message, and its reply into the answer', async () => {
    const { child, adder, sent } = openAdder();
    const answer = adder.add({ a: 1, b: 2 });
    expect(sent).toEqual([{ call: 1, method: 'add', request: { a: 1, b: 2 } }]);
    child.emit('message', { reply: 1, answer: 3 });
    expect(await answer).toBe(3);
  });

  it('finds the caller of each reply, in whatever order they come', async () => {
    const { child, adder } = openAdder();
    const answers = [adder.add({ a: 1, b: 1 }), adder.add({ a: 2, b: 2 })];
    child.emit('message', { reply: 2, answer: 4 });
    child.emit('message', { reply: 1, answer: 2 });
    expect(await Promise.all(answers)).toEqual([2, 4]);
  });

  it('pays no heed to a reply that nobody waits for', async () => {
    const { child, adder } = openAdder();
    const answer = adder.add({ a: 1, b: 1 });
    child.emit('message', { reply: 99, answer: 'what?' });
    child.emit('message', { reply: 98, refusal: { message: 'what?' } });
    child.emit('message', { reply: 1, answer: 2 });
    child.emit('message', { reply: 1, answer: 3 });
    expect(await answer).toBe(2);
  });

  it('hands on what is reported', () => {
    const { child, events } = openAdder();
    child.emit('message', { report: { kind: 'carried' } });
    child.emit('message', { report: null });
    expect(events).toEqual([{ kind: 'carried' }, null]);
  });

  it('refuses with the same code and hint as over there', async () => {
    const { child, adder } = openAdder();
    const answer = refused(adder.add({ a: 1, b: 2 }));
    const refusal = { code: 'NO_CAPABILITY', message: 'cannot add here', hint: 'count' };
    child.emit('message', { reply: 1, refusal });
    expect(await answer).toMatchObject(refusal);
  });

  it('refuses without a hint where there is none', async () => {
    const { child, adder } = openAdder();
    const answer = refused(adder.add({ a: 1, b: 2 }));
    child.emit('message', { reply: 1, refusal: { code: 'LAB_FAILED', message: 'no' } });
    expect((await answer).hint).toBeUndefined();
  });

  it('shows a bug over there as a bug here, with its stack as the message', async () => {
    const { child, adder } = openAdder();
    const answer = adder.add({ a: 1, b: 2 });
    child.emit('message', { reply: 1, refusal: { message: 'TypeError: oh\n    at adder.js:1' } });
    await expect(answer).rejects.toThrow(/^TypeError: oh\n {4}at adder/);
  });

  it('is no promise, even when it is awaited', async () => {
    const { adder, sent } = openAdder();
    expect(await Promise.resolve(adder)).toBe(adder);
    expect(sent).toEqual([]);
  });
});

describe('a process that ends', () => {
  it.each<[string, (child: FakeChild) => void]>([
    ["the lab's adder process ended early (exit 1)", (child) => child.emit('exit', 1, null)],
    [
      "the lab's adder process ended early (SIGKILL)",
      (child) => child.emit('exit', null, 'SIGKILL'),
    ],
    [
      "the lab's adder process could not be started: spawn ENOENT",
      (child) => child.emit('error', new Error('spawn ENOENT')),
    ],
  ])('LAB_FAILED for every call under way and any later one: %s', async (message, end) => {
    const { child, adder, sent } = openAdder();
    const underWay = [refused(adder.add({ a: 1, b: 1 })), refused(adder.add({ a: 2, b: 2 }))];
    end(child);
    for (const refusal of await Promise.all(underWay)) {
      expect(refusal).toMatchObject({ code: 'LAB_FAILED', message });
    }
    expect(await refused(adder.add({ a: 3, b: 3 }))).toMatchObject({ code: 'LAB_FAILED', message });
    expect(sent).toHaveLength(2);
  });

  it('is told by its first reason only', async () => {
    const { child, adder } = openAdder();
    child.emit('error', new Error('spawn ENOENT'));
    child.emit('exit', 1, null);
    expect((await refused(adder.add({ a: 1, b: 1 }))).message).toMatch(/spawn ENOENT$/);
  });

  it('LAB_FAILED once the channel is closed, before it has ended', async () => {
    const { child, adder, sent } = openAdder();
    child.connected = false;
    expect(await refused(adder.add({ a: 1, b: 1 }))).toMatchObject({
      code: 'LAB_FAILED',
      message: "the lab's adder process is gone",
    });
    expect(sent).toEqual([]);
  });

  it('LAB_FAILED when a call cannot be delivered', async () => {
    const { child, adder } = openAdder();
    child.undeliverable = new Error('write EPIPE');
    expect(await refused(adder.add({ a: 1, b: 1 }))).toMatchObject({
      code: 'LAB_FAILED',
      message: "the lab's adder process cannot be reached: write EPIPE",
    });
  });
});

describe('between two real processes', () => {
  it('answers, refuses with code and hint, and fails what a dead one owes', async () => {
    const peer = await startPeer(builtProgram);
    onTestFinished(() => peer.end());
    const { port } = await peer.station.listen(plainListen);
    expect(port).toBeGreaterThan(0);
    expect(await peer.station.look({ ids: [1] })).toEqual([]);
    await expect(peer.station.send({ ids: [], bytes: 1 })).resolves.toBeNull(); // nothing, as JSON

    const keepalive = { idleSeconds: 40_000, intervalSeconds: 1, count: 1 };
    const refusal = await refused(peer.station.listen({ ...plainListen, mode: { keepalive } }));
    expect(refusal.code).toBe('NO_CAPABILITY');
    expect(refusal.hint).toMatch(/^heartbeat and idle-timeout work everywhere/);

    const { nothing } = peer.station as unknown as Readonly<Record<'nothing', () => Promise<void>>>;
    await expect(nothing()).rejects.toThrow(/^TypeError/);

    peer.stop();
    const owed = refused(peer.station.look({ ids: [1] }));
    await peer.end();
    expect(await owed).toMatchObject({
      code: 'LAB_FAILED',
      message: "the lab's peer process ended early (SIGKILL)",
    });
    await peer.end(); // once more does nothing
  });
});

/** Built by test/build-once.ts. */
const builtProgram = new URL('../../dist/cli.cjs', import.meta.url).pathname;

class Adder {
  add({ a, b }: { readonly a: number; readonly b: number }): number {
    return a + b;
  }
}

/** As much of a child process as a channel needs. */
class FakeChild extends EventEmitter {
  connected = true;
  undeliverable: Error | null = null;
  readonly sent: unknown[] = [];

  send(message: unknown, onSent: (error: Error | null) => void): boolean {
    this.sent.push(message);
    queueMicrotask(() => onSent(this.undeliverable));
    return true;
  }
}

function openAdder() {
  const child = new FakeChild();
  const events: unknown[] = [];
  const adder = remote<Adder>(child as unknown as ChildProcess, 'adder', (event) =>
    events.push(event),
  );
  return { child, adder, sent: child.sent, events };
}
