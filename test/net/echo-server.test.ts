import { connect as connectSocket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { beatsOnly, parseMode } from '../../src/core/mode.js';
import { addMs } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { KernelRefusal, type Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { connect, type Client } from '../../src/net/client.js';
import type { ConnectionHandlers } from '../../src/net/connection.js';
import type { EchoServer } from '../../src/net/echo-server.js';
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
import { ended, fdOf, textsOf } from './driven.js';
import { rawServer } from './raw-server.js';
import { refused } from './refused.js';
import { countFrames, isHealthy, served, stranger } from './served.js';

describe('the echo server', { timeout: TEST_MS }, () => {
  it('answers every frame with the same frame, beats too', async () => {
    const { server, events } = await served();
    const { connection, frames } = await join(server);
    const said = ['hello', '', 'x'.repeat(1000)];
    for (const text of said) connection.send(Buffer.from(text));
    await until(() => frames.length === said.length, SOON_MS);
    expect(frames).toEqual(said);
    const heard = events.filter((event) => event.kind === 'frames');
    expect(heard.flatMap((event) => textsOf(event.frames))).toEqual(said);
  });

  it('echoes whatever arrives without a framing', async () => {
    const { server } = await served({ framing: 'raw' });
    const { connection, frames } = await join(server, 'none', {}, 'raw');
    connection.send(Buffer.from('no frame at all'));
    await until(() => frames.join('').length === 15, SOON_MS);
    expect(frames.join('')).toBe('no frame at all');
  });

  it('tells of a connection in order: opened, frames, ended, closed', async () => {
    const { server, events } = await served();
    const { connection } = await join(server);
    connection.send(Buffer.from('hello'));
    await until(() => events.length === 2, SOON_MS);
    expect([...server.connections].map(({ remote }) => remote)).toEqual([connection.local]);
    connection.close();
    await until(() => events.length === 4, SOON_MS);
    expect(events).toMatchObject([
      { kind: 'opened', id: 1, settings: {} },
      { kind: 'frames', id: 1 },
      { kind: 'ended', id: 1, ending: { by: 'FIN' } },
      { kind: 'closed', id: 1 },
    ]);
    expect(server.connections.size).toBe(0);
  });

  it.skipIf(lacks('keepaliveTuning', 'userTimeout'))(
    'puts its mode on every connection (needs keepaliveTuning, userTimeout)',
    async () => {
      const mode = parseMode('keepalive=61s:11s:7+user-timeout=5s');
      const { server, events } = await served({ mode });
      await join(server);
      await until(() => events.length > 0, SOON_MS);
      expect(events).toMatchObject([{ kind: 'opened', settings: mode }]);
    },
  );
});

describe.each([
  ['straight to the kernel', kernel],
  ['through Node alone', portableKernel],
])('answers %s', { timeout: TEST_MS }, (_how, on) => {
  it('come in order and whole, also for who reads them late', async () => {
    const run = await served({}, on);
    const late = await stranger(run);
    late.pause();
    const frames = Buffer.concat(Array.from({ length: 1000 }, (_, number) => numbered(number)));
    late.write(frames);
    const unsent = () => [...run.server.connections][0]?.unsentBytes ?? 0;
    await until(() => unsent() > 0, SOON_MS);
    const answers: Buffer[] = [];
    late.on('data', (answer: Buffer) => {
      expect(unsent()).toBeLessThanOrEqual(256 * 1024);
      answers.push(answer);
    });
    late.resume();
    await until(() => Buffer.concat(answers).length === frames.length, SOON_MS);
    expect(Buffer.concat(answers).equals(frames)).toBe(true);
    await until(() => unsent() === 0, SOON_MS);
    await isHealthy(late);
  });

  it('are not wanted by who resets behind the question: it is seen as what it is', async () => {
    const run = await served({}, on);
    const rude = await stranger(run);
    await isHealthy(rude);
    rude.write(numbered(1));
    rude.resetAndDestroy();
    await until(() => run.server.connections.size === 0, SOON_MS);
    expect(run.server.counts.endedBy).toEqual({ ECONNRESET: 1 });
  });
});

describe.each(['heartbeat=20ms:600ms', 'idle-timeout=600ms'])(
  'the echo server in mode %s',
  { timeout: TEST_MS },
  (text) => {
    const mode = parseMode(text);
    const [by = ''] = text.split('=');

    it.skipIf(lacksEngine)('notices when dead (needs socketFilter or minTtl)', async () => {
      const { server, events } = await served({ mode });
      await join(server, 'heartbeat=20ms:1m');
      await until(() => countFrames(events) > 3, SOON_MS);
      for (const connection of server.connections) kernel.cut(fdOf(connection), engine);
      await until(() => server.connections.size === 0, SOON_MS);
      const last = events.findLast((event) => event.kind === 'frames');
      const verdict = events.find((event) => event.kind === 'ended');
      expect(verdict).toMatchObject({ ending: { by } });
      expect(verdict?.ending.at).toBeGreaterThanOrEqual(addMs(last?.at ?? monotonicNow(), 600));
    });

    it('notices when nobody says a word after connecting', async () => {
      const { server, events } = await served({ mode });
      await join(server);
      await until(() => server.connections.size === 0 && events.length > 0, SOON_MS);
      const [opened, verdict] = events;
      expect(verdict).toMatchObject({ kind: 'ended', ending: { by } });
      if (opened?.kind !== 'opened' || verdict?.kind !== 'ended') throw new Error('out of order');
      expect(verdict.ending.at).toBeGreaterThanOrEqual(addMs(opened.connection.openedAt, 600));
    });

    it('stays quiet when alive', async () => {
      const { server, events } = await served({ mode });
      const { connection } = await join(server, 'heartbeat=20ms:1m');
      const twoTimeouts = addMs(connection.openedAt, 1200);
      await until(() => monotonicNow() > twoTimeouts && countFrames(events) > 20, SOON_MS);
      expect(new Set(events.map(({ kind }) => kind))).toEqual(new Set(['opened', 'frames']));
    });
  },
);

describe('a word about a silence', { timeout: TEST_MS }, () => {
  it('comes once a silence, before the verdict', async () => {
    const { server, events } = await served({ mode: { idleTimeoutMs: 300 }, silentAfterMs: 100 });
    await join(server);
    await until(() => events.some(({ kind }) => kind === 'closed'), SOON_MS);
    expect(events.map(({ kind }) => kind)).toEqual(['opened', 'silent', 'ended', 'closed']);
    expect(events[1]).toHaveProperty('silentMs');
    const [, silent] = events;
    if (silent?.kind === 'silent') expect(silent.silentMs).toBeGreaterThan(100 - ROUNDING_MS);
  });

  it('comes again with the next silence, and ends nothing', async () => {
    const { server, events } = await served({ silentAfterMs: 50 });
    const { connection } = await join(server);
    const silences = () => events.filter(({ kind }) => kind === 'silent').length;
    await until(() => silences() === 1, SOON_MS);
    connection.send(Buffer.from('sorry'));
    await until(() => silences() === 2, SOON_MS);
    expect(events.map(({ kind }) => kind)).toEqual(['opened', 'silent', 'frames', 'silent']);
  });

  it('does not come while it is spoken to', async () => {
    const { server, events } = await served({ silentAfterMs: 600 });
    const { connection } = await join(server, 'heartbeat=20ms:1m');
    const twice = addMs(connection.openedAt, 1200);
    await until(() => monotonicNow() > twice && countFrames(events) > 20, SOON_MS);
    expect(events.filter(({ kind }) => kind === 'silent')).toEqual([]);
  });
});

describe('what a stranger may cost', { timeout: TEST_MS }, () => {
  it('no connection beyond the most that are allowed, until there is room again', async () => {
    const { server, events } = await served({ maxConnections: 2 });
    const first = await join(server);
    await join(server);
    await until(() => server.connections.size === 2, SOON_MS);
    await turnedAway(server);
    await until(() => events.length === 3, SOON_MS);
    expect(events.at(-1)).toMatchObject({
      kind: 'refused',
      remote: { address: '127.0.0.1' },
      cause: 'connections',
      reason: 'as many connections as allowed are open (--max-connections)',
    });
    expect(server.counts).toMatchObject({ accepted: 2, rejected: { connections: 1, address: 0 } });
    first.connection.close();
    await until(() => server.connections.size === 1, SOON_MS);
    const fourth = await join(server);
    fourth.connection.send(Buffer.from('room for me'));
    await until(() => fourth.frames.length === 1, SOON_MS);
  });

  it('no place for ever: whoever has been silent for longest makes room (--evict)', async () => {
    const { server, events } = await served({ maxConnections: 3, evict: true });
    const [silent, beating] = [await join(server), await join(server, 'heartbeat=20ms:1m')];
    const later = await join(server);
    await until(() => server.connections.size === 3 && countFrames(events) > 3, SOON_MS);
    const fourth = await join(server);
    expect((await ended(silent)).by).toBe('ECONNRESET');
    const fifth = await join(server);
    expect((await ended(later)).by).toBe('ECONNRESET');
    fifth.connection.send(Buffer.from('room for me'));
    await until(() => fifth.frames.length === 1 && server.connections.size === 3, SOON_MS);
    expect([beating, fourth, fifth].map(({ connection }) => connection.ending)).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(server.counts).toMatchObject({
      accepted: 5,
      rejected: { connections: 0 },
      endedBy: { evicted: 2 },
    });
    expect(events.find(({ kind }) => kind === 'ended')).toMatchObject({
      id: 1,
      ending: { by: 'evicted' },
    });
  });

  it('no more than its share from one address, though there is room', async () => {
    const { server, events } = await served({ maxPerAddress: 2, evict: true });
    const first = await join(server);
    await join(server);
    await until(() => server.connections.size === 2, SOON_MS);
    await turnedAway(server);
    await until(() => events.length === 3, SOON_MS);
    expect(events.at(-1)).toMatchObject({
      kind: 'refused',
      cause: 'address',
      reason: 'as many connections as allowed are open from there (--max-per-address)',
    });
    const elsewhere = connectSocket({ ...at(server), localAddress: '127.0.0.2' });
    onTestFinished(() => void elsewhere.destroy());
    await until(() => server.connections.size === 3, SOON_MS);
    first.connection.close();
    await until(() => server.connections.size === 2, SOON_MS);
    const again = await join(server);
    again.connection.send(Buffer.from('room for me'));
    await until(() => again.frames.length === 1, SOON_MS);
    expect(server.counts.rejected).toEqual({ connections: 0, address: 1, mode: 0 });
  });

  it('no frame beyond the largest: the connection is closed for a reason', async () => {
    const { server, events } = await served({ maxFrameBytes: 16 });
    const { connection, frames } = await join(server);
    connection.send(new Uint8Array(16));
    await until(() => frames.length === 1, SOON_MS);
    connection.send(new Uint8Array(17));
    await until(() => server.connections.size === 0, SOON_MS);
    expect(events.find(({ kind }) => kind === 'ended')).toMatchObject({
      ending: {
        by: 'violation',
        detail: 'frame of 17 bytes announced, at most 16 accepted',
      },
    });
    expect((await ended({ connection })).by).toBe('ECONNRESET');
  });

  it('no mode that the kernel refuses: the connection is refused for that reason', async () => {
    // On the listener it could be had.
    let asked = 0;
    const grudging: Kernel = {
      ...portableKernel,
      setUserTimeout(_, timeoutMs) {
        if (asked++ === 0) return timeoutMs;
        throw new KernelRefusal('setsockopt(6, 18)', 22);
      },
    };
    const { server, events } = await served({ mode: { userTimeoutMs: 1000 } }, grudging);
    await turnedAway(server);
    await until(() => events.length > 0, SOON_MS);
    expect(events).toMatchObject([
      {
        kind: 'refused',
        cause: 'mode',
        reason: 'the mode cannot be put on the socket: setsockopt(6, 18): EINVAL',
      },
    ]);
  });
});

describe('delayed replies', { timeout: TEST_MS }, () => {
  it('come later, in order', async () => {
    const { server } = await served({ replyDelayMs: 100 });
    const { connection, frames } = await join(server);
    const askedAt = monotonicNow();
    connection.send(Buffer.from('one'));
    connection.send(Buffer.from('two'));
    await until(() => frames.length > 0, SOON_MS);
    expect(monotonicNow()).toBeGreaterThanOrEqual(addMs(askedAt, 100));
    await until(() => frames.length === 2, SOON_MS);
    expect(frames).toEqual(['one', 'two']);
  });

  it('are bounded: what finds no room is reported and not answered', async () => {
    const { server, events } = await served({ replyDelayMs: 300 });
    const { connection, frames } = await join(server);
    const asked = 20;
    for (let number = 0; number < asked; number++) connection.send(new Uint8Array(20_000));
    await until(() => countFrames(events) === asked, SOON_MS);
    const unanswered = events.filter(({ kind }) => kind === 'unanswered').length;
    expect(unanswered).toBe(asked - WAITING_AT_MOST);
    await until(() => frames.length === WAITING_AT_MOST, SOON_MS);
    expect(server.connections.size).toBe(1);
  });

  it('are forgotten when the connection closes', async () => {
    const { server, events } = await served({ replyDelayMs: 200 });
    const gone = await join(server);
    gone.connection.send(Buffer.from('never mind'));
    await until(() => countFrames(events) === 1, SOON_MS);
    gone.connection.close();
    await until(() => server.connections.size === 0, SOON_MS);
    const next = await join(server);
    next.connection.send(Buffer.from('and me?'));
    await until(() => next.frames.length === 1, SOON_MS);
    expect(next.frames).toEqual(['and me?']);
    expect(gone.frames).toEqual([]);
  });
});

describe('what the echo server refuses', { timeout: TEST_MS }, () => {
  it('CANNOT_LISTEN: the port is in use', async () => {
    const { port } = await rawServer();
    const refusal = await refused(served({ port }));
    expect(refusal).toMatchObject({ code: 'CANNOT_LISTEN', cause: { code: 'EADDRINUSE' } });
    expect(refusal.message).toBe(`cannot listen on 127.0.0.1:${port}: the port is in use`);
    expect(refusal.hint).toContain(`sport = :${port}`);
  });

  it('CANNOT_LISTEN: the address is not on this host', async () => {
    const refusal = await refused(served({ host: '192.0.2.1' })); // TEST-NET-1, RFC 5737
    expect(refusal).toMatchObject({ code: 'CANNOT_LISTEN', cause: { code: 'EADDRNOTAVAIL' } });
    expect(refusal.message).toBe('cannot listen on 192.0.2.1:0: the address is not on this host');
  });

  it('NO_CAPABILITY: a keepalive mode on the portable kernel', async () => {
    const refusal = await refused(served({ mode: parseMode('keepalive') }, portableKernel));
    expect(refusal.code).toBe('NO_CAPABILITY');
  });

  it.skipIf(lacksDescriptorCount)('and listens no longer (needs Linux)', async () => {
    await givesDescriptorsBack(async () => {
      await refused(served({ mode: parseMode('keepalive') }, portableKernel));
    });
  });
});

describe('closing the echo server', { timeout: TEST_MS }, () => {
  it('resets every connection and lets nobody in any more', async () => {
    const { server, events } = await served();
    const clients = [await join(server), await join(server)];
    await until(() => server.connections.size === 2, SOON_MS);
    await server.close();
    await until(() => server.connections.size === 0, SOON_MS);
    expect(events.filter(({ kind }) => kind === 'closed')).toHaveLength(2);
    for (const client of clients) expect((await ended(client)).by).toBe('ECONNRESET');
    expect((await refused(join(server))).code).toBe('UNREACHABLE');
    await server.close(); // once more does nothing
  });

  it.skipIf(lacksDescriptorCount)('gives every descriptor back (needs Linux)', async () => {
    await givesDescriptorsBack(async () => {
      const { server } = await served({ replyDelayMs: 50, mode: parseMode('heartbeat=20ms:5s') });
      const clients = await Promise.all(Array.from({ length: 20 }, () => join(server)));
      for (const { connection } of clients) connection.send(Buffer.from('hello'));
      clients[0]?.connection.close();
      clients[1]?.connection.reset();
      await until(() => server.connections.size === 18, SOON_MS);
      await server.close();
      for (const { connection } of clients) connection.reset();
    });
  });
});

/** The difference of two instants can be a rounding error short of the deadline. */
const ROUNDING_MS = 0.001;

/** Delayed replies of 20,000 bytes within 256 KiB. */
const WAITING_AT_MOST = 13;

interface Joined extends Client {
  /** What has come back, as text. */
  readonly frames: readonly string[];
}

/** A client that judges nothing itself. */
async function join(
  server: EchoServer,
  mode = 'none',
  handlers: ConnectionHandlers = {},
  framing: 'length16' | 'raw' = 'length16',
): Promise<Joined> {
  const frames: string[] = [];
  const client = await connect(
    kernel,
    {
      remote: server.address,
      mode: beatsOnly(parseMode(mode)),
      framing,
      maxFrameBytes: 32_768,
      connectTimeoutMs: SOON_MS,
    },
    { ...handlers, onFrames: (come) => frames.push(...textsOf(come)) },
  );
  onTestFinished(() => client.connection.reset());
  return { ...client, frames };
}

function at({ address: { address, port } }: EchoServer) {
  return { host: address, port };
}

/** Whether the RST comes while it connects or just after it. */
async function turnedAway({ address }: EchoServer): Promise<void> {
  const socket = connectSocket(address.port, address.address);
  onTestFinished(() => void socket.destroy());
  let error: unknown;
  socket.on('error', (each) => (error = each));
  await until(() => socket.closed, SOON_MS);
  expect(error).toMatchObject({ code: 'ECONNRESET' });
}

/** A frame of 16 KiB, full of its number. */
function numbered(number: number): Buffer {
  const frame = Buffer.alloc(2 + 16_384);
  frame.writeUInt16BE(16_384);
  for (let at = 2; at < frame.length; at += 4) frame.writeUInt32BE(number, at);
  return frame;
}
