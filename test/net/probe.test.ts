import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { addMs } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { descriptorOf } from '../../src/net/descriptor.js';
import {
  engine,
  givesDescriptorsBack,
  kernel,
  lacks,
  lacksDescriptorCount,
  lacksEngine,
  SOON_MS,
  TEST_MS,
} from '../real-kernel.js';
import { until } from '../until.js';
import { probing } from './probing.js';
import { closedPort, rawServer } from './raw-server.js';
import { refused } from './refused.js';

describe('alive', { timeout: TEST_MS }, () => {
  it('after as many answers as are wanted, each with its round trip', async () => {
    const { port } = await rawServer(echo);
    const { result, events } = await probing(port, { count: 5 });
    expect(result).toMatchObject({
      complete: true,
      target: `127.0.0.1:${port}`,
      mode: 'heartbeat=20ms:5s',
      connections: 1,
      verdict: { kind: 'alive' },
      lost: 0,
      drop: null,
      notes: [],
    });
    expect(result.beats.answered).toBe(5);
    expect(result.beats.rttMs?.samples).toHaveLength(5);
    const beats = events.filter(({ event }) => event === 'beat');
    expect(beats).toMatchObject([1, 2, 3, 4, 5].map((number) => ({ number })));
    expect(events[0]).toMatchObject({ event: 'connected', settings: 'none' });
  });

  it.skipIf(lacks('tcpInfo'))("with the kernel's last word (needs tcpInfo)", async () => {
    const { port } = await rawServer(echo);
    const { result } = await probing(port, { count: 2 });
    expect(result.kernel).toMatchObject({ state: 'ESTABLISHED', retransmissions: 0 });
  });

  it('without a word from the kernel on the portable one', async () => {
    const { port } = await rawServer(echo);
    const { result } = await probing(port, { count: 2 }, portableKernel);
    expect(result).toMatchObject({ verdict: { kind: 'alive' }, kernel: null });
  });

  it('when the time is over, beyond several timeouts', async () => {
    const { port } = await rawServer(echo);
    const startedAt = monotonicNow();
    const { result } = await probing(port, { mode: 'heartbeat=20ms:600ms', durationMs: 1300 });
    expect(monotonicNow()).toBeGreaterThan(addMs(startedAt, 1200));
    expect(result).toMatchObject({ complete: true, verdict: { kind: 'alive' }, lost: 0 });
  });

  it('at an interruption, which makes the result incomplete', async () => {
    const { port, accepted } = await rawServer(echo);
    const interruption = new AbortController();
    const running = probing(port, { interruption: interruption.signal });
    await until(() => accepted[0] !== undefined && accepted[0].bytesRead > 0, SOON_MS);
    interruption.abort();
    const { result } = await running;
    expect(result).toMatchObject({ complete: false, connections: 1 });
    expect(getEventListeners(interruption.signal, 'abort')).toEqual([]);
    // It says goodbye.
    await until(() => accepted[0]?.readableEnded, SOON_MS);
  });
});

describe('no answer', { timeout: TEST_MS }, () => {
  it('from a server that reads and says nothing', async () => {
    const { port } = await rawServer((socket) => socket.resume());
    const { result } = await probing(port, { mode: 'heartbeat=20ms:200ms' });
    const { verdict } = result;
    expect(verdict).toMatchObject({ kind: 'no-answer', by: 'heartbeat' });
    if (verdict.kind === 'no-answer') expect(verdict.afterMs).toBeGreaterThan(200 - ROUNDING_MS);
    expect(result.beats).toMatchObject({ answered: 0, rttMs: null });
    expect(result.lost).toBe(1);
  });

  it.each<[string, (socket: Socket) => void]>([
    ['FIN', (socket) => socket.resume().end()],
    ['ECONNRESET', (socket) => socket.once('data', () => socket.resetAndDestroy())],
  ])('before its %s', async (by, leave) => {
    const { port } = await rawServer(leave);
    const { result } = await probing(port);
    expect(result.verdict).toMatchObject({ kind: 'no-answer', by });
  });

  it('when nobody waits for one any longer: not yet anything', async () => {
    const { port } = await rawServer((socket) => socket.resume());
    const { result } = await probing(port, { durationMs: 200 });
    expect(result.verdict).toMatchObject({ kind: 'no-answer', by: null });
    expect(result.lost).toBe(1);
  });
});

describe('closed', { timeout: TEST_MS }, () => {
  it.each<[string, (socket: Socket) => unknown]>([
    ['FIN', (socket) => socket.end()],
    // With the next beat: a RST right behind data looks like a FIN to libuv (uv__stream_eof at POLLHUP).
    ['ECONNRESET', (socket) => socket.once('data', () => socket.resetAndDestroy())],
  ])("by the peer's %s, which nobody had to notice", async (by, leave) => {
    const { port } = await rawServer(echoing(3, (socket) => leave(socket)));
    const { result, events } = await probing(port);
    expect(result.verdict).toMatchObject({ kind: 'closed', by });
    expect(result.lost).toBe(1);
    expect(result.beats.answered).toBeGreaterThan(0);
    expect(events.at(-1)).toMatchObject({ event: 'ended', verdict: result.verdict });
  });
});

describe('dead', { timeout: TEST_MS }, () => {
  it.skipIf(lacksEngine || lacks('tcpInfo'))(
    'where the kernel is silent: not even our segments are acknowledged (needs tcpInfo, socketFilter or minTtl)',
    async () => {
      const { port } = await rawServer(
        echoing(3, (socket) => kernel.cut(descriptorOf(socket) ?? -1, engine)),
      );
      const { result, events } = await probing(port, { mode: 'heartbeat=100ms:500ms' });
      const { verdict } = result;
      expect(verdict).toMatchObject({ kind: 'dead', by: 'heartbeat', where: 'kernel' });
      if (verdict.kind === 'dead') {
        expect(verdict.silentMs).toBeGreaterThanOrEqual(500 - HALF_A_BEAT_MS - TWO_TICKS_MS);
        expect(verdict.firstUnansweredAt).not.toBeNull();
        expect(Date.parse(verdict.noticedAt)).toBeGreaterThan(Date.parse(verdict.lastHeardAt));
      }
      expect(result.kernel?.unacknowledgedSegments).toBeGreaterThan(0);
      expect(events.filter(({ event }) => event === 'unanswered')).not.toEqual([]);
    },
  );

  it.skipIf(lacks('tcpInfo'))(
    'where the process is silent: its kernel goes on acknowledging (needs tcpInfo)',
    async () => {
      const { port } = await rawServer(echoing(3, (socket) => socket.pause()));
      const { result } = await probing(port, { mode: 'heartbeat=100ms:500ms' });
      const { verdict } = result;
      expect(verdict).toMatchObject({ kind: 'dead', by: 'heartbeat', where: 'process' });
      if (verdict.kind === 'dead') expect(verdict.silentMs).toBeGreaterThan(500 - ROUNDING_MS);
      expect(result.kernel).toMatchObject({ state: 'ESTABLISHED', unacknowledgedSegments: 0 });
      expect(result.withoutMode.idle.kind).toBe('never');
    },
  );

  it('somewhere, where no kernel tells', async () => {
    const { port } = await rawServer(echoing(3, (socket) => socket.pause()));
    const { result } = await probing(port, { mode: 'heartbeat=20ms:200ms' }, portableKernel);
    expect(result.verdict).toMatchObject({ kind: 'dead', by: 'heartbeat', where: 'unknown' });
  });
});

describe('a drop of its own', { timeout: TEST_MS }, () => {
  it.skipIf(lacksEngine || lacks('tcpInfo'))(
    'is proven by the answers that it swallows, and noticed (needs tcpInfo, socketFilter or minTtl)',
    async () => {
      const { port } = await rawServer(echo);
      const { result, events } = await probing(port, {
        mode: 'heartbeat=50ms:300ms',
        dropAfterMs: 200,
      });
      expect(result.verdict).toMatchObject({ kind: 'dead', by: 'heartbeat', where: 'kernel' });
      expect(result.drop).toMatchObject({ engine, proven: true, predicted: { kind: 'interval' } });
      expect(result.drop?.swallowedSegments).toBeGreaterThan(0);
      expect(result.drop?.noticedAfterMs).toBeGreaterThan(0);
      expect(result.drop?.agrees).not.toBeNull();
      expect(events.filter(({ event }) => event === 'dropped')).toHaveLength(1);
    },
  );

  it.skipIf(lacksEngine)(
    'is proven by a witness in mode none, and never noticed (needs socketFilter or minTtl)',
    async () => {
      const { port, accepted } = await rawServer(echo);
      const { result, events } = await probing(port, {
        mode: 'none',
        dropAfterMs: 100,
        durationMs: 1500,
      });
      expect(result.verdict).toEqual({ kind: 'alive' });
      expect(result.drop).toMatchObject({
        engine,
        proven: true,
        swallowedSegments: 0,
        predicted: { kind: 'never' },
        noticedAfterMs: null,
        agrees: true,
      });
      expect(result.notes).not.toContain(UNPROVEN);
      expect(accepted).toHaveLength(2);
      expect(result).toMatchObject({ connections: 1, beats: { sent: 0, answered: 0 } });
      expect(events.map(({ event }) => event)).toEqual(['connected', 'dropped', 'quiet']);
    },
  );

  it.skipIf(lacksEngine)(
    'is not proven where no witness is let in, and says so (needs socketFilter or minTtl)',
    async () => {
      const { port, stopListening } = await rawServer(() => stopListening());
      const { result } = await probing(port, { mode: 'none', dropAfterMs: 100, durationMs: 400 });
      expect(result.drop).toMatchObject({ proven: false, swallowedSegments: 0 });
      expect(result.notes).toContain(UNPROVEN);
    },
  );

  it.skipIf(lacksEngine)(
    'that never came to it is not proven either, and says so (needs socketFilter or minTtl)',
    async () => {
      const { port } = await rawServer(echoing(3, (socket) => socket.end()));
      const { result } = await probing(port, { dropAfterMs: 10 * TEST_MS });
      expect(result.verdict).toMatchObject({ kind: 'closed', by: 'FIN' });
      expect(result.drop).toBeNull();
      expect(result.notes).toContain('the connection was not cut: it ended before that');
    },
  );

  it('needs something that can drop: NO_CAPABILITY, before anybody is bothered', async () => {
    const nobody = await closedPort();
    const refusal = await refused(probing(nobody, { dropAfterMs: 100 }, portableKernel));
    expect(refusal.code).toBe('NO_CAPABILITY');
    expect(refusal.message).toBe('nothing here can drop a segment silently');
  });
});

describe('connecting', { timeout: TEST_MS }, () => {
  it('UNREACHABLE when the first connection cannot be made', async () => {
    const refusal = await refused(probing(await closedPort(), { reconnect: true }));
    expect(refusal.code).toBe('UNREACHABLE');
  });

  it('again after each loss, until there are answers enough', async () => {
    const { port } = await rawServer((socket, number) =>
      number === 1 ? echoing(1, (each) => each.end())(socket) : echo(socket),
    );
    const { result, events } = await probing(port, { reconnect: true, count: 4 });
    expect(result).toMatchObject({ connections: 2, lost: 1, verdict: { kind: 'alive' } });
    expect(result.beats.answered).toBe(4);
    expect(events.map(({ event }) => event).filter((name) => name !== 'beat')).toEqual([
      'connected',
      'ended',
      'reconnecting',
      'connected',
    ]);
  });

  it('not again after an interruption', async () => {
    const interruption = new AbortController();
    const { port, accepted } = await rawServer(echoing(1, (socket) => socket.end()));
    const options = { reconnect: true, interruption: interruption.signal };
    const { result } = await probing(port, options, kernel, ({ event }) => {
      if (event === 'reconnecting') interruption.abort();
    });
    expect(result).toMatchObject({ complete: false, connections: 1, lost: 1 });
    expect(accepted).toHaveLength(1);
  });
});

it.skipIf(lacksDescriptorCount || lacksEngine)(
  'a probe gives every descriptor back, whatever became of it (needs Linux, socketFilter or minTtl)',
  { timeout: TEST_MS },
  async () => {
    const { port, accepted } = await rawServer(echo);
    const deaf = await rawServer((socket) => socket.resume());
    await givesDescriptorsBack(async () => {
      await Promise.all([
        probing(port, { count: 3 }),
        probing(port, { mode: 'heartbeat=50ms:200ms', dropAfterMs: 100 }),
        probing(port, { mode: 'none', dropAfterMs: 20, durationMs: 300 }),
        probing(deaf.port, { mode: 'heartbeat=20ms:100ms' }),
      ]);
      // Both ends are in this process: what was cut said no goodbye.
      for (const socket of [...accepted, ...deaf.accepted]) socket.destroy();
    });
  },
);

/** The difference of two instants can be a rounding error short of the deadline. */
const ROUNDING_MS = 0.001;

/** A kernel was heard by its delayed acknowledgement, up to that long after the last answer. */
const HALF_A_BEAT_MS = 50;

/** The kernel counts silence in ticks of at most 10 ms. */
const TWO_TICKS_MS = 20;

const UNPROVEN = 'the cut is not proven: nothing arrived that could have been swallowed';

function echo(socket: Socket): void {
  socket.on('data', (chunk) => socket.write(chunk));
}

/** Answers so many times, and then does something else. */
function echoing(answers: number, andThen: (socket: Socket) => unknown): (socket: Socket) => void {
  return (socket) => {
    let answered = 0;
    socket.on('data', (chunk) => {
      if (answered === answers) return;
      socket.write(chunk);
      answered++;
      if (answered === answers) andThen(socket);
    });
  };
}
