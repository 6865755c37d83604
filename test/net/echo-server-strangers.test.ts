/** The echo server among strangers, one healthy client always beside them. */
import { once } from 'node:events';
import { connect as connectSocket, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { codec, parseFraming } from '../../src/core/frame.js';
import { beatsOnly, parseMode } from '../../src/core/mode.js';
import { addMs, type Instant } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { connect, type Client } from '../../src/net/client.js';
import type { EchoServerEvent } from '../../src/net/echo-event.js';
import {
  startEchoServer,
  type EchoServer,
  type EchoServerOptions,
} from '../../src/net/echo-server.js';
import {
  givesDescriptorsBack,
  kernel,
  lacksDescriptorCount,
  SOON_MS,
  TEST_MS,
} from '../real-kernel.js';
import { until } from '../until.js';
import { countFrames } from './served.js';

const LARGEST = 1000;

describe('a stranger who takes their time', { timeout: TEST_MS }, () => {
  const firstFrameMs = 500;
  const frameMs = 200;

  it.each([
    ['says nothing', '', '', 'first-frame-timeout', { firstFrameMs }],
    ['sends half of a header', '03', '', 'frame-timeout', { frameMs }],
    ['sends a frame byte by byte', '03', '03', 'frame-timeout', { frameMs }],
    ['sends their first frame so', '03', '03', 'first-frame-timeout', { firstFrameMs }],
  ])('and %s is closed, each of them', async (_, beginning, more, by, frameTimeouts) => {
    const [timeoutMs = 0] = Object.values(frameTimeouts);
    const { server, events, unharmed } = await serving({ frameTimeouts });
    const strangers = await Promise.all(Array.from({ length: 20 }, () => stranger(server)));
    for (const socket of strangers) trickle(socket, beginning, more);
    await until(() => endings(events).length === strangers.length, SOON_MS);
    for (const { connection, ending } of endings(events)) {
      expect(ending.by).toBe(by);
      expect(ending.at).toBeGreaterThanOrEqual(addMs(connection.openedAt, timeoutMs));
    }
    await until(() => strangers.every(({ closed }) => closed), SOON_MS);
    expect(server.connections.size).toBe(1);
    await unharmed();
  });

  it('in lines that never end is closed, however much of them is skipped', async () => {
    const { server, events, unharmed } = await serving({
      framing: 'line',
      frameTimeouts: { frameMs },
    });
    trickle(await stranger(server), '78'.repeat(LARGEST + 1), '78');
    await until(() => endings(events).length > 0, SOON_MS);
    expect(endings(events)).toMatchObject([{ ending: { by: 'frame-timeout' } }]);
    expect(endings(events)[0]?.connection.skippedBytes).toBeGreaterThan(LARGEST);
    await unharmed();
  });

  it('after a whole frame stays, as long as no other has begun', async () => {
    const { server, events, unharmed } = await serving({
      frameTimeouts: { firstFrameMs, frameMs },
    });
    const socket = await stranger(server);
    socket.resume().write(Buffer.from('000161', 'hex'));
    await until(() => socket.bytesRead === 3, SOON_MS);
    await unharmed(addMs(monotonicNow(), firstFrameMs));
    expect(endings(events)).toEqual([]);
  });

  it.skipIf(lacksDescriptorCount)('leaves no descriptor behind (needs Linux)', async () => {
    await givesDescriptorsBack(async () => {
      const { server, events, client } = await serving({ frameTimeouts: { frameMs } });
      const strangers = await Promise.all(Array.from({ length: 50 }, () => stranger(server)));
      for (const socket of strangers) socket.write(Buffer.of(0));
      await until(() => endings(events).length === strangers.length, SOON_MS);
      client.connection.reset();
      await server.close();
    });
  });
});

describe('frames in unusual portions', { timeout: TEST_MS }, () => {
  it('64 KiB byte after byte: one frame, echoed whole', async () => {
    const { server, events, unharmed } = await serving({ maxFrameBytes: 0xffff });
    const socket = await stranger(server);
    const frame = codec('length16', 0xffff).encode(Buffer.alloc(0xffff, 'abc'));
    const echoed: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => echoed.push(chunk));
    for (const byte of frame) await written(socket, Uint8Array.of(byte));
    await until(() => socket.bytesRead === frame.length, SOON_MS);
    expect(Buffer.concat(echoed).equals(frame)).toBe(true);
    expect(framesOf(events, socket)).toBe(1);
    await unharmed();
  });

  it.each(['length16', 'line', 'marked=68:u8:xor8'])(
    '10,000 in one segment, framing %s: each is answered',
    async (framing) => {
      const { server, events, unharmed } = await serving({ framing: parseFraming(framing) });
      const socket = await stranger(server);
      const frame = codec(parseFraming(framing), LARGEST).encode(Buffer.from('a'));
      const all = Buffer.concat(Array.from({ length: 10_000 }, () => frame));
      socket.resume().write(all);
      await until(() => socket.bytesRead === all.length, SOON_MS);
      expect(framesOf(events, socket)).toBe(10_000);
      await unharmed();
    },
  );
});

describe('lengths at the limit', { timeout: TEST_MS }, () => {
  const length16 = (length: number) => [length >> 8, length & 0xff];

  it('length16: the largest is echoed, one more and 65,535 are violations', async () => {
    const { server, events, unharmed } = await serving();
    const [fits, over, most] = await Promise.all([
      stranger(server),
      stranger(server),
      stranger(server),
    ]);
    fits.resume().write(Buffer.of(...length16(LARGEST), ...new Uint8Array(LARGEST)));
    over.write(Buffer.of(...length16(LARGEST + 1)));
    most.write(Buffer.of(0xff, 0xff));
    await until(() => fits.bytesRead === LARGEST + 2 && over.closed && most.closed, SOON_MS);
    expect(endings(events).map(({ ending: { by, detail } }) => `${by}: ${detail ?? ''}`)).toEqual([
      'violation: frame of 1001 bytes announced, at most 1000 accepted',
      'violation: frame of 65535 bytes announced, at most 1000 accepted',
    ]);
    await unharmed();
  });

  it.each([
    ['marked=02:u16:sum8:03', LARGEST + 1, [2, ...length16(LARGEST + 1)]],
    ['marked=02:u16:sum8:03', 0xffff, [2, 0xff, 0xff]],
    ['line', LARGEST + 1, []],
    ['line', 0xffff, []],
  ])(
    '%s: one of %i bytes is skipped and counted, and the next is echoed',
    async (name, size, header) => {
      const framing = parseFraming(name);
      const { server, events, unharmed } = await serving({ framing });
      const socket = await stranger(server);
      const largest = codec(framing, LARGEST).encode(new Uint8Array(LARGEST).fill(0x61));
      const tooLong = Buffer.concat([Buffer.from(header), Buffer.alloc(size), Buffer.from('\n')]);
      socket.resume().write(Buffer.concat([tooLong, largest]));
      await until(() => socket.bytesRead === largest.length, SOON_MS);
      expect(skippedBy(server, socket)).toBe(tooLong.length);
      expect(endings(events)).toEqual([]);
      await unharmed();
    },
  );
});

interface Serving {
  readonly server: EchoServer;
  readonly events: readonly EchoServerEvent[];
  readonly client: Client;
  /** That the healthy client is answered after that moment, or now. */
  readonly unharmed: (from?: Instant) => Promise<void>;
}

/** A server with a healthy client that beats. */
async function serving(options: Partial<EchoServerOptions> = {}): Promise<Serving> {
  const events: EchoServerEvent[] = [];
  const framing = options.framing ?? 'length16';
  const server = await startEchoServer(
    kernel,
    {
      host: '127.0.0.1',
      port: 0,
      mode: {},
      framing,
      maxFrameBytes: LARGEST,
      maxConnections: Infinity,
      replyDelayMs: 0,
      ...options,
    },
    (event) => events.push(event),
  );
  onTestFinished(() => server.close());
  let answeredAt = monotonicNow();
  const client = await connect(
    kernel,
    {
      remote: server.address,
      mode: beatsOnly(parseMode('heartbeat=20ms:1m')),
      framing,
      maxFrameBytes: LARGEST,
      connectTimeoutMs: SOON_MS,
    },
    { onFrames: (_, at) => (answeredAt = at) },
  );
  onTestFinished(() => client.connection.reset());
  const unharmed = async (from = answeredAt) => {
    await until(() => answeredAt > from, SOON_MS);
    expect(client.connection.ending).toBeUndefined();
  };
  await unharmed();
  return { server, events, client, unharmed };
}

/** Not ours, and in no framing. */
async function stranger({ address }: EchoServer): Promise<Socket> {
  const socket = connectSocket({ port: address.port, host: address.address, noDelay: true });
  socket.on('error', () => undefined); // it may be reset
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** In hex: at once, and then again and again until it is closed. */
function trickle(socket: Socket, beginning: string, more: string): void {
  socket.resume().write(Buffer.from(beginning, 'hex'));
  const timer = setInterval(() => socket.write(Buffer.from(more, 'hex')), 20);
  socket.on('close', () => clearInterval(timer));
}

function written(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => void socket.write(bytes, () => resolve()));
}

function endings(events: readonly EchoServerEvent[]) {
  return events.filter((event) => event.kind === 'ended');
}

function framesOf(events: readonly EchoServerEvent[], { localPort }: Socket): number {
  return countFrames(
    events.filter((event) => 'connection' in event && event.connection.remote.port === localPort),
  );
}

function skippedBy({ connections }: EchoServer, { localPort }: Socket): number | undefined {
  return [...connections].find(({ remote }) => remote.port === localPort)?.skippedBytes;
}
