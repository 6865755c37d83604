import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseMode } from '../../src/core/mode.js';
import { addMs } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { drain } from '../../src/net/drain.js';
import { startEchoServer } from '../../src/net/echo-server.js';
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
import { fdOf } from './driven.js';

const HELLO = Buffer.from([0, 2, 0x68, 0x69]);
const HALF = HELLO.subarray(0, 3);

const lacksAsking = lacksEngine || lacks('tcpInfo', 'keepaliveTuning');

/** Longer than any test: whoever is gone by its end has gone by himself, or was found. */
const LONG_MS = 10 * TEST_MS;

describe('a drain', { timeout: TEST_MS }, () => {
  it('is over when the last one has gone by himself', async () => {
    const { server, clients, endings, ended } = await draining({ clients: 2, timeoutMs: LONG_MS });
    for (const client of clients) {
      expect(await exchange(client, HELLO)).toEqual(HELLO);
      client.end();
    }
    await ended;
    expect(server.connections.size).toBe(0);
    expect(endings).toEqual(['FIN', 'FIN']);
  });

  it('tells the idle goodbye with a FIN, and what crosses it draws no RST', async () => {
    const { first, endings, ended } = await draining({ timeoutMs: 2000 });
    const heard = once(first, 'end');
    first.resume();
    await heard;
    first.end(HELLO);
    const [hadError] = (await once(first, 'close')) as [boolean];
    expect(hadError).toBe(false);
    await ended;
    expect(endings).toEqual(['drain']);
  });

  it('tells whoever talks on with an answer: none of his frames is left without one', async () => {
    const { first, endings, ended, startedAt } = await draining({ timeoutMs: 2000 });
    const { asked, answered } = await talkedOn(first);
    expect(answered).toBe(asked);
    expect(monotonicNow()).toBeGreaterThanOrEqual(addMs(startedAt, 1000));
    first.end();
    await ended;
    expect(endings).toEqual(['drain']);
  });

  it('tells those who talk on evenly too: not all of them come back in one moment', async () => {
    const { clients, endings, ended } = await draining({ clients: 12, timeoutMs: 2000 });
    const told = await Promise.all(
      clients.map(async (client) => {
        const { asked, answered } = await talkedOn(client);
        client.end();
        return { at: monotonicNow(), unanswered: asked - answered };
      }),
    );
    await ended;
    expect(endings).toEqual(Array.from({ length: 12 }, () => 'drain'));
    expect(told.map(({ unanswered }) => unanswered)).toEqual(endings.map(() => 0));
    const moments = told.map(({ at }) => at).toSorted((a, b) => a - b);
    // Of the 600 ms for that; a machine that stands still for most of them tells many at once.
    const [early = Number.NaN, late = Number.NaN] = [moments[2], moments[9]];
    expect(late - early).toBeGreaterThan(100);
  });

  it('waits for the rest of a frame, and says goodbye with the answer to it', async () => {
    const { first, endings, ended, startedAt } = await draining({ timeoutMs: 2000, sent: HALF });
    await until(() => monotonicNow() >= addMs(startedAt, 1200), SOON_MS);
    expect(endings).toEqual([]);
    expect(await exchange(first, HELLO.subarray(HALF.length))).toEqual(HELLO);
    await until(() => endings.length > 0, SOON_MS);
    first.end();
    await ended;
    expect(endings).toEqual(['drain']);
  });

  it('ends at its time all the same', async () => {
    const { server, ended, startedAt } = await draining({ timeoutMs: 200, sent: HALF });
    await ended;
    expect(monotonicNow()).toBeGreaterThanOrEqual(addMs(startedAt, 200));
    expect(server.connections.size).toBe(1);
  });

  it('ends at once when it is interrupted', async () => {
    const { server, ended, hurry } = await draining({ timeoutMs: LONG_MS });
    hurry.abort();
    await ended;
    expect(server.connections.size).toBe(1);
  });
});

describe.each(['none', 'keepalive=60s:10s:6'])(
  'half-open peers in mode %s',
  { timeout: TEST_MS },
  (mode) => {
    it.skipIf(lacksAsking)(
      'are found by asking; who answers stays, and has its options back (needs an engine, tcpInfo, keepaliveTuning)',
      async () => {
        const { server, clients, endings, ended, before } = await draining({
          clients: 6,
          timeoutMs: LONG_MS,
          mode,
          cut: 3,
        });
        await until(() => endings.length === 3, SOON_MS);
        expect(endings).toEqual(['probe', 'probe', 'probe']);
        const living = [...server.connections]
          .filter(({ ending }) => ending === undefined)
          .map(fdOf);
        expect(living).toHaveLength(3);
        await until(
          () => living.every((fd) => isDeepStrictEqual(kernel.optionValues(fd), before)),
          SOON_MS,
        );
        for (const client of clients.slice(3)) {
          expect(await exchange(client, HELLO)).toEqual(HELLO);
          client.end();
        }
        await ended;
        expect(endings.slice(3)).toEqual(['FIN', 'FIN', 'FIN']);
      },
    );
  },
);

describe('a drain of half-open peers', { timeout: TEST_MS }, () => {
  it.skipIf(lacksAsking || lacksDescriptorCount)(
    'gives their descriptors back (needs an engine, tcpInfo, keepaliveTuning)',
    async () => {
      await givesDescriptorsBack(async () => {
        const { server, clients, ended } = await draining({
          clients: 2,
          timeoutMs: LONG_MS,
          cut: 2,
        });
        await ended;
        await server.close();
        for (const client of clients) client.destroy();
      });
    },
  );
});

interface Draining {
  readonly clients?: number;
  readonly timeoutMs: number;
  readonly mode?: string;
  /** So many of them, the first ones, vanish before it begins. */
  readonly cut?: number;
  /** What each has sent before it begins, and is no whole frame. */
  readonly sent?: Uint8Array;
}

async function draining({ clients: count = 1, timeoutMs, mode = 'none', cut = 0, sent }: Draining) {
  const endings: string[] = [];
  const server = await startEchoServer(
    kernel,
    {
      host: '127.0.0.1',
      port: 0,
      mode: parseMode(mode),
      framing: 'length16',
      maxFrameBytes: 1024,
      maxConnections: Infinity,
      replyDelayMs: 0,
    },
    (event) => event.kind === 'ended' && endings.push(event.ending.by),
  );
  onTestFinished(() => server.close());
  const clients: Socket[] = [];
  for (let number = 1; number <= count; number++) {
    const { address, port } = server.address;
    const client = connect({ port, host: address, allowHalfOpen: true });
    client.on('error', () => undefined); // it may be reset
    onTestFinished(() => void client.destroy());
    clients.push(client);
    await until(() => server.connections.size === number, SOON_MS);
  }
  const connections = [...server.connections];
  const [first] = clients;
  const [connection] = connections;
  if (first === undefined || connection === undefined) throw new Error('nobody is there');
  const before = kernel.optionValues(fdOf(connection));
  if (sent !== undefined) {
    for (const client of clients) client.write(sent);
    await until(() => connections.every((each) => !each.isBetweenFrames), SOON_MS);
  }
  for (const each of connections.slice(0, cut)) kernel.cut(fdOf(each), engine);
  server.stopListening();
  const startedAt = monotonicNow();
  const hurry = new AbortController();
  const ended = drain(kernel, server, timeoutMs, hurry.signal);
  return { server, clients, first, before, endings, ended, startedAt, hurry };
}

/** Frames of one who asks, is answered and asks again, until he is told goodbye. */
async function talkedOn(client: Socket): Promise<{ asked: number; answered: number }> {
  let [asked, answeredBytes] = [0, 0];
  const ask = () => {
    asked++;
    client.write(HELLO);
  };
  client.on('data', ({ length }) => {
    answeredBytes += length;
    // After a poll phase: a goodbye that came with it has been read.
    setTimeout(() => setImmediate(() => client.readableEnded || ask()), 5);
  });
  ask();
  await once(client, 'end');
  return { asked, answered: answeredBytes / HELLO.length };
}

async function exchange(socket: Socket, bytes: Uint8Array): Promise<Buffer> {
  const answer = once(socket, 'data', { signal: AbortSignal.timeout(SOON_MS) });
  socket.write(bytes);
  const [chunk] = (await answer) as [Buffer];
  return chunk;
}
