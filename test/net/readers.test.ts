/** Peers that do not read: what they may cost, for how long, and that nobody else pays for them. */
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addMs } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { isHealthy, served, stranger, type Served } from './served.js';

describe('a peer that does not read', { timeout: TEST_MS }, () => {
  it('is reset after the stall timeout, and counted; others are not', async () => {
    const run = await served({ stallTimeoutMs: 300 });
    const [healthy, deaf] = [await stranger(run), await stranger(run)];
    await isHealthy(healthy);
    flood(deaf);
    await until(() => unsent(run) > 0, SOON_MS);
    const waitsFrom = monotonicNow();
    await until(() => run.server.counts.endedBy['stalled'] === 1, SOON_MS);
    expect(monotonicNow()).toBeGreaterThan(addMs(waitsFrom, 200));
    expect(run.events.find(({ kind }) => kind === 'ended')).toMatchObject({
      id: 2,
      ending: {
        by: 'stalled',
        detail: expect.stringMatching(
          /^\d+ bytes waited for it, nothing read for \d+ ms \(--stall-timeout\)$/,
        ) as unknown,
      },
    });
    await until(() => deaf.destroyed, SOON_MS);
    await isHealthy(healthy);
    expect(run.server.connections.size).toBe(1);
  });

  it('stays as long as it reads at all, however slowly', async () => {
    const timeoutMs = 1500;
    const run = await served({ stallTimeoutMs: timeoutMs });
    const slow = await stranger(run);
    flood(slow);
    await until(() => unsent(run) > 0, SOON_MS);
    const twice = addMs(monotonicNow(), 2 * timeoutMs);
    readNowAndThen(slow);
    await until(() => monotonicNow() > twice, SOON_MS);
    expect(run.server.counts.endedBy).toEqual({});
    expect(unsent(run)).toBeGreaterThan(0);
  });

  it('goes when it is the one that has not read for longest and too much waits in all', async () => {
    const maxUnsentBytes = 150_000;
    const run = await served({ maxUnsentBytes });
    const healthy = await stranger(run);
    await isHealthy(healthy);
    const stalled = () => run.server.counts.endedBy['stalled'] ?? 0;
    for (let deaf = 1; stalled() === 0; deaf++) {
      flood(await stranger(run));
      await until(() => waitingIn(run) === deaf || stalled() > 0, SOON_MS);
      expect(unsent(run)).toBeLessThanOrEqual(maxUnsentBytes);
      await isHealthy(healthy);
    }
    const [first] = run.events.flatMap((event) => (event.kind === 'ended' ? [event] : []));
    expect(first).toMatchObject({ ending: { by: 'stalled' } });
    expect(first?.ending.detail).toContain('(--max-unsent)');
    await isHealthy(healthy);
  });
});

describe('peers that read', { timeout: TEST_MS }, () => {
  it('are not blamed for what waited for them a moment', async () => {
    const run = await served({ maxUnsentBytes: 100_000 });
    for (let number = 0; number < 20; number++) {
      const socket = await stranger(run);
      let returned = 0;
      socket.on('data', (chunk: Buffer) => (returned += chunk.length));
      socket.write(FLOOD.subarray(0, 4 * (16_384 + 2)));
      await until(() => returned === 4 * (16_384 + 2), SOON_MS);
    }
    expect(run.server.counts.endedBy).toEqual({});
    expect(run.server.connections.size).toBe(20);
  });
});

/** More than both kernels' buffers hold: it can all be echoed only if it is read. */
const FLOOD = Buffer.alloc(1024 * (16_384 + 2));
for (let at = 0; at < FLOOD.length; at += 16_384 + 2) FLOOD.writeUInt16BE(16_384, at);

function flood(socket: Socket): void {
  socket.pause();
  socket.write(FLOOD);
}

/** A chunk at a time. */
function readNowAndThen(socket: Socket): void {
  socket.on('data', () => socket.pause());
  const timer = setInterval(() => socket.resume(), 50);
  onTestFinished(() => clearInterval(timer));
}

function unsent({ server }: Served): number {
  return [...server.connections].reduce((sum, { unsentBytes }) => sum + unsentBytes, 0);
}

function waitingIn({ server }: Served): number {
  return [...server.connections].filter(({ unsentBytes }) => unsentBytes > 0).length;
}
