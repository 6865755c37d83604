import { getEventListeners } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LARGEST_FRAME_BYTES } from '../../src/core/frame.js';
import { parseMode } from '../../src/core/mode.js';
import { addMs } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { connect, type Client, type ClientOptions } from '../../src/net/client.js';
import type { ConnectionHandlers } from '../../src/net/connection.js';
import {
  engine,
  givesDescriptorsBack,
  kernel,
  lacks,
  lacksDescriptorCount,
  lacksEngine,
  newTurn,
  SOON_MS,
  TEST_MS,
  TIMER_EARLY_MS,
} from '../real-kernel.js';
import { until } from '../until.js';
import { ended, fdOf, textsOf } from './driven.js';
import { closedPort, rawServer } from './raw-server.js';
import { refused } from './refused.js';

describe('connect', { timeout: TEST_MS }, () => {
  it('gives a connection that sends and hears frames', async () => {
    const { port } = await rawServer((socket) => socket.pipe(socket));
    const frames: string[] = [];
    const { connection, settings } = await open(port, 'none', {
      onFrames: (come) => frames.push(...textsOf(come)),
    });
    expect(settings).toEqual({});
    expect(connection.remote).toEqual({ address: '127.0.0.1', port });
    expect(connection.local.address).toBe('127.0.0.1');
    connection.send(Buffer.from('one'));
    connection.send(Buffer.from('two'));
    await until(() => frames.length === 2, SOON_MS);
    expect(frames).toEqual(['one', 'two']);
  });

  it('takes only addresses of the family that is asked for', async () => {
    const { port } = await rawServer();
    const client = await connectTo({ ...optionsFor(port), ...localhost(port), family: 4 });
    expect(client.connection.remote.address).toBe('127.0.0.1');
  });

  it.skipIf(lacks('keepaliveTuning', 'userTimeout'))(
    "says what the kernel's part of the mode is (needs keepaliveTuning, userTimeout)",
    async () => {
      const { port } = await rawServer();
      const { settings } = await open(port, 'keepalive=61s:11s:7+user-timeout=5s+idle-timeout=9s');
      expect(settings).toEqual(parseMode('keepalive=61s:11s:7+user-timeout=5s'));
    },
  );
});

describe('a client', { timeout: TEST_MS }, () => {
  it.skipIf(lacksEngine)('notices when dead (needs socketFilter or minTtl)', async () => {
    const { port } = await rawServer((socket) => socket.pipe(socket));
    let answers = 0;
    let heardAt = monotonicNow();
    const client = await open(port, 'heartbeat=20ms:300ms', {
      onFrames({ count }, at) {
        answers += count;
        heardAt = at;
      },
    });
    await until(() => answers > 3, SOON_MS);
    kernel.cut(fdOf(client.connection), engine);
    const ending = await ended(client);
    expect(ending.by).toBe('heartbeat');
    expect(ending.at).toBeGreaterThanOrEqual(addMs(heardAt, 300));
  });

  it('stays quiet when alive', async () => {
    const { port } = await rawServer((socket) => socket.pipe(socket));
    let answers = 0;
    const { connection } = await open(port, 'heartbeat=20ms:600ms', {
      onFrames: ({ count }) => (answers += count),
    });
    const twoTimeouts = addMs(connection.openedAt, 1200);
    await until(() => monotonicNow() > twoTimeouts && answers > 20, SOON_MS);
    expect(connection.ending).toBeUndefined();
  });

  it.skipIf(lacks('userTimeout') || lacksEngine)(
    "ends by the kernel's own word (needs userTimeout, socketFilter or minTtl)",
    async () => {
      const { port } = await rawServer((socket) => socket.pipe(socket));
      const client = await open(port, 'user-timeout=300ms');
      kernel.cut(fdOf(client.connection), engine);
      const writtenAt = monotonicNow();
      client.connection.send(Buffer.from('is anybody there?'));
      const ending = await ended(client);
      expect(ending.by).toBe('ETIMEDOUT');
      expect(ending.at).toBeGreaterThanOrEqual(addMs(writtenAt, 300));
    },
  );
});

describe('what connect refuses', { timeout: TEST_MS }, () => {
  it('UNREACHABLE: nobody listens there', async () => {
    const port = await closedPort();
    const refusal = await refused(connectTo(optionsFor(port)));
    expect(refusal).toMatchObject({ code: 'UNREACHABLE', cause: { code: 'ECONNREFUSED' } });
    expect(refusal.message).toBe(`cannot connect to 127.0.0.1:${port}: connection refused`);
    expect(refusal.hint).toMatch(/is it listening there/);
  });

  it.skipIf(lacksEngine)(
    'UNREACHABLE: nobody answers within the time (needs socketFilter or minTtl)',
    async () => {
      const { port } = await silentListener();
      await newTurn();
      const startedAt = monotonicNow();
      const refusal = await refused(connectTo({ ...optionsFor(port), connectTimeoutMs: 200 }));
      expect(monotonicNow()).toBeGreaterThanOrEqual(addMs(startedAt, 200 - TIMER_EARLY_MS));
      expect(refusal.code).toBe('UNREACHABLE');
      const reason = kernel.capabilities.tcpInfo ? 'no answer to a SYN' : 'no answer';
      expect(refusal.message).toBe(`cannot connect to 127.0.0.1:${port}: ${reason} within 0.2s`);
    },
  );

  it.skipIf(lacksEngine)(
    'UNREACHABLE: interrupted while it connects (needs socketFilter or minTtl)',
    async () => {
      const { port, tried } = await silentListener();
      const interruption = new AbortController();
      const attempt = refused(
        connectTo({ ...optionsFor(port), interruption: interruption.signal }),
      );
      await until(tried, SOON_MS);
      interruption.abort();
      expect(await attempt).toMatchObject({
        code: 'UNREACHABLE',
        message: `cannot connect to 127.0.0.1:${port}: interrupted`,
      });
      expect(getEventListeners(interruption.signal, 'abort')).toEqual([]);
    },
  );

  it('UNREACHABLE: interrupted before it began', async () => {
    let accepted = 0;
    const { port } = await rawServer(() => accepted++);
    const refusal = await refused(
      connectTo({ ...optionsFor(port), interruption: AbortSignal.abort() }),
    );
    expect(refusal.message).toMatch(/: interrupted$/);
    // Whoever comes later is let in: had it tried too, it would have come before.
    await open(port, 'none');
    await until(() => accepted > 0, SOON_MS);
    expect(accepted).toBe(1);
  });

  it('an interruption afterwards does nothing', async () => {
    const { port } = await rawServer();
    const interruption = new AbortController();
    const { connection } = await connectTo({
      ...optionsFor(port),
      interruption: interruption.signal,
    });
    interruption.abort();
    expect(connection.ending).toBeUndefined();
    expect(getEventListeners(interruption.signal, 'abort')).toEqual([]);
  });

  it('NO_CAPABILITY: a keepalive mode on the portable kernel; the server sees it leave', async () => {
    let left = false;
    const { port } = await rawServer((socket) => socket.resume().on('close', () => (left = true)));
    const options = { ...optionsFor(port), mode: parseMode('keepalive=1s:1s:3') };
    const refusal = await refused(connectTo(options, {}, portableKernel));
    expect(refusal.code).toBe('NO_CAPABILITY');
    expect(refusal.hint).toMatch(/^heartbeat and idle-timeout work everywhere/);
    await until(() => left, SOON_MS);
  });

  it('but not a mode of our own there', async () => {
    const { port } = await rawServer((socket) => socket.pipe(socket));
    let answers = 0;
    const options = { ...optionsFor(port), mode: parseMode('heartbeat=20ms:5s') };
    await connectTo(options, { onFrames: ({ count }) => (answers += count) }, portableKernel);
    await until(() => answers > 1, SOON_MS);
  });

  it.skipIf(lacksDescriptorCount)(
    'gives every descriptor back, whatever happened (needs Linux)',
    async () => {
      const { port } = await rawServer((socket) => socket.resume());
      const nobody = await closedPort();
      await givesDescriptorsBack(async () => {
        const interrupted = { ...optionsFor(port), interruption: AbortSignal.abort() };
        const mode = parseMode('keepalive');
        await refused(connectTo(optionsFor(nobody)));
        await refused(connectTo(interrupted));
        await refused(connectTo({ ...optionsFor(port), mode }, {}, portableKernel));
        (await open(port, 'heartbeat=20ms:5s')).connection.close();
        (await open(port, 'heartbeat=20ms:5s')).connection.reset();
        await ended(await open(port, 'idle-timeout=20ms'));
      });
    },
  );
});

const open = (port: number, mode: string, handlers: ConnectionHandlers = {}) =>
  connectTo({ ...optionsFor(port), mode: parseMode(mode) }, handlers);

async function connectTo(
  options: ClientOptions,
  handlers: ConnectionHandlers = {},
  on: Kernel = kernel,
): Promise<Client> {
  const client = await connect(on, options, handlers);
  onTestFinished(() => client.connection.reset());
  return client;
}

function optionsFor(port: number): ClientOptions {
  return {
    remote: { address: '127.0.0.1', port },
    mode: {},
    framing: 'length16',
    maxFrameBytes: LARGEST_FRAME_BYTES,
    connectTimeoutMs: SOON_MS,
  };
}

const localhost = (port: number) => ({ remote: { address: 'localhost', port } });

/** A listener that no SYN gets through to. `tried`: one came. */
async function silentListener(): Promise<{ readonly port: number; readonly tried: () => boolean }> {
  const { port, fd } = await rawServer();
  kernel.cut(fd, engine);
  return { port, tried: () => kernel.drops(fd) > 0 };
}
