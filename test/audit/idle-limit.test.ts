import { getEventListeners } from 'node:events';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { measureIdleLimit, type IdleLimitOptions } from '../../src/audit/idle-limit.js';
import type { IdleLimitEvent } from '../../src/core/idle-limit-result.js';
import { hostFacts } from '../../src/kernel/host-facts.js';
import { interruptible } from '../../src/kernel/interruption.js';
import { KernelRefusal, type Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { descriptorOf } from '../../src/net/descriptor.js';
import { openSocket, type Opened } from '../../src/net/open-socket.js';
import { certificates, tlsEcho } from '../net/tls-server.js';
import { closedPort, rawServer } from '../net/raw-server.js';
import { refused } from '../net/refused.js';
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

const lacksAsking = lacks('tcpInfo', 'keepaliveTuning');

describe.skipIf(lacksAsking || lacksEngine)(
  'measureIdleLimit (needs tcpInfo, keepaliveTuning and an engine)',
  { timeout: TEST_MS },
  () => {
    // All at the same time: each waits for as long as it takes to call a silence lost.
    it('tells what becomes of a silence', async () => {
      const [forgotten, closed, reset, accident, spoken, gone, deaf] = await Promise.all([
        measured({ waitMs: 2000, forgets: true }),
        measured({ waitMs: 2000, onConnection: after(1500, (socket) => socket.end()) }),
        measured({ waitMs: 2000, onConnection: after(1500, (socket) => socket.resetAndDestroy()) }),
        measured({ waitMs: 2000, onConnection: (socket, number) => number === 1 && socket.end() }),
        measured({ waitMs: 12_000, onConnection: every(3000, (socket) => socket.write('!')) }),
        measured({ waitMs: 2000, forgets: true, stopListeningAfterMs: 1500 }),
        measured({ waitMs: 2000, forgetAfterMs: 0 }),
      ]);

      expect(forgotten.result).toMatchObject({
        schema: 'tcpalive/idle-limit/1',
        complete: true,
        connections: 5, // two silences, one with keepalive, and for each loss a proof that the server is there
        verdict: { kind: 'found', how: 'silent' },
        keepalive: { kind: 'lost', outcome: { kind: 'lost', how: 'silent' } },
        safeKeepalive: { kind: 'none' },
        notes: [
          'the server may still hold 2 of them: the path lets nothing through that would tell it',
        ],
      });
      expectNear(forgotten.result.trials, [1000, 2000]);

      expect(closed.result.verdict).toMatchObject({ kind: 'closed', by: 'FIN' });
      expectNear(closed.result.trials, [1000, 1500]);
      expect(closed.result.keepalive).toMatchObject({ kind: 'lost', outcome: { kind: 'closed' } });
      expect(reset.result.verdict).toMatchObject({ kind: 'closed', by: 'ECONNRESET' });

      expect(accident.result.verdict).toMatchObject({ kind: 'none' });
      expect(accident.result.trials[0]).toMatchObject({ outcome: { kind: 'closed', by: 'FIN' } });

      expect(spoken.result.verdict).toMatchObject({ kind: 'spoken' });
      expect(spoken.result.keepalive).toEqual({ kind: 'not-tested' });

      expect(gone.result.verdict).toMatchObject({ kind: 'unknown' });
      expect(gone.result.notes.join()).toMatch(/1 of 1 connections not opened: .*refused/);

      expect(deaf.result.verdict).toMatchObject({ kind: 'no-answer', livedMs: 0 });
    });

    it('finds nothing where nothing is lost, and says goodbye', async () => {
      const { result, events, server } = await measured({ waitMs: 2000 });
      expect(result).toMatchObject({ complete: true, verdict: { kind: 'none' }, connections: 2 });
      expect(events.map(({ event }) => event)).toEqual(
        expect.arrayContaining(['round', 'trial', 'waiting']),
      );
      const { port } = server;
      expect(events.slice(0, 2)).toEqual([
        { event: 'opened', measured: `127.0.0.1:${port}`, addresses: ['127.0.0.1'] },
        { event: 'round', round: 1, silencesMs: [1000, 2000] },
      ]);
      await until(() => server.accepted.every(({ readableEnded }) => readableEnded), SOON_MS);
    });

    it('says at an interruption what is known, and listens no more', async () => {
      const interruption = interruptible();
      const { result, server } = await measured({
        waitMs: 60_000,
        interruption: interruption.signal,
        onEvent: ({ event }) => event === 'trial' && interruption.abort(),
      });
      expect(result).toMatchObject({ complete: false, verdict: { kind: 'unknown' } });
      expect(result.trials).toHaveLength(1);
      expect(getEventListeners(interruption.signal, 'abort')).toEqual([]);
      await until(() => server.accepted.every(({ destroyed }) => destroyed), SOON_MS);
    });

    it.skipIf(lacksDescriptorCount)('gives all descriptors back', async () => {
      const { port } = await rawServer((socket) => socket.resume());
      const open = () => opened(port);
      await givesDescriptorsBack(async () => {
        await measureIdleLimit(kernel, { ...options, open, waitMs: 1000 }, () => undefined);
      });
    });

    it('goes with all connections where the first one went', async () => {
      const { port } = await rawServer((socket) => socket.resume());
      const likes: (Opened | undefined)[] = [];
      const open = (like: Opened | undefined) => {
        likes.push(like);
        return opened(port);
      };
      const two = { ...options, open, target: `localhost:${port}` };
      const { measured: went } = await measureIdleLimit(kernel, two, () => undefined);
      expect(went).toBe(`127.0.0.1:${port}`);
      expect(likes).toMatchObject([undefined, { remote: { address: '127.0.0.1', port } }]);
    });

    it('says whom it need not have measured', async () => {
      const { port } = await tlsEcho(certificates().selfSigned);
      const tls = { servername: undefined, ca: undefined, insecure: true };
      const remote = { address: '127.0.0.1', port };
      const open = () => openSocket(kernel, { remote, connectTimeoutMs: SOON_MS, tls });
      const untrusted = { ...options, open, waitMs: 1000 };
      const result = await measureIdleLimit(kernel, untrusted, () => undefined);
      expect(result).toMatchObject({
        ...{ measured: `127.0.0.1:${port}`, addresses: ['127.0.0.1'], protocol: null },
        ...{ verdict: { kind: 'none' }, tls: { problem: 'it is signed by itself' } },
      });
      expect(result.notes).toEqual([expect.stringMatching(/is not trusted \(it is signed by/)]);
    });

    it.skipIf(lacksDescriptorCount)('leaves nothing open that takes no keepalive', async () => {
      const { port } = await rawServer((socket) => socket.resume());
      const grudging = new Proxy(kernel, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name);
          if (name === 'tcpInfo') return () => refuse();
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
      const refuse = (): never => {
        throw new KernelRefusal('TCP_INFO', constants.errno.EINVAL);
      };
      await givesDescriptorsBack(async () => {
        const running = measureIdleLimit(
          grudging,
          { ...options, open: () => opened(port) },
          () => undefined,
        );
        await expect(running).rejects.toBeInstanceOf(KernelRefusal);
      });
    });

    it('takes a socket that has ended already for closed', async () => {
      const { port } = await rawServer((socket) => socket.resume());
      const open = async () => {
        const connection = await opened(port);
        connection.socket.destroy();
        return connection;
      };
      const ended = { ...options, open, waitMs: 1000 };
      const { verdict } = await measureIdleLimit(kernel, ended, () => undefined);
      expect(verdict).toMatchObject({ kind: 'closed', livedMs: 0 });
    });

    it('is refused where nobody listens', async () => {
      const port = await closedPort();
      const running = measureIdleLimit(
        kernel,
        { ...options, open: () => opened(port) },
        () => undefined,
      );
      expect(await refused(running)).toMatchObject({ code: 'UNREACHABLE' });
    });

    it('is refused by a kernel that cannot ask', async () => {
      const running = measureIdleLimit(portableKernel, options, () => undefined);
      expect(await refused(running)).toMatchObject({ code: 'NO_CAPABILITY' });
    });
  },
);

const options: IdleLimitOptions = {
  target: 'a server of the test',
  open: () => Promise.reject(new Error('nobody is to be opened')),
  protocol: null,
  waitMs: 2000,
  connections: 16,
  keepalive: undefined,
  host: hostFacts(kernel),
  interruption: new AbortController().signal,
};

interface Measured {
  readonly waitMs: number;
  /** As a router would: from then on nothing arrives any more. */
  readonly forgetAfterMs?: number;
  /** It does so once it has answered, and at once what is tried with keepalive. */
  readonly forgets?: boolean;
  readonly stopListeningAfterMs?: number;
  readonly interruption?: AbortSignal;
  readonly onConnection?: (socket: Socket, number: number) => unknown;
  readonly onEvent?: (event: IdleLimitEvent) => unknown;
}

async function measured({
  waitMs,
  forgetAfterMs,
  forgets = false,
  stopListeningAfterMs,
  interruption = new AbortController().signal,
  onConnection,
  onEvent,
}: Measured) {
  const server = await rawServer((socket, number) => {
    socket.resume();
    onConnection?.(socket, number);
  });
  if (stopListeningAfterMs !== undefined) setTimeout(server.stopListening, stopListeningAfterMs);
  const sockets: Socket[] = [];
  const open = async () => {
    const connection = await opened(server.port);
    const { socket } = connection;
    sockets.push(socket);
    if (forgetAfterMs !== undefined) setTimeout(() => cut(kernel, socket), forgetAfterMs);
    return connection;
  };
  const events: IdleLimitEvent[] = [];
  const result = await measureIdleLimit(
    kernel,
    { ...options, open, waitMs, interruption },
    (event) => {
      events.push(event);
      const isTime = event.event === 'trial' || event.event === 'keepalive';
      if (forgets && isTime) for (const socket of sockets) cut(kernel, socket);
      onEvent?.(event);
    },
  );
  return { result, events, server };
}

function opened(port: number): Promise<Opened> {
  const remote = { address: '127.0.0.1', port };
  return openSocket(kernel, { remote, connectTimeoutMs: SOON_MS });
}

function cut(of: Kernel, socket: Socket): void {
  const fd = socket.destroyed ? undefined : descriptorOf(socket);
  if (fd !== undefined) of.cut(fd, engine);
}

function after(ms: number, act: (socket: Socket) => unknown): (socket: Socket) => void {
  return (socket) => void setTimeout(() => act(socket), ms);
}

function every(ms: number, act: (socket: Socket) => unknown): (socket: Socket) => void {
  return (socket) => {
    const timer = setInterval(() => act(socket), ms);
    socket.once('close', () => clearInterval(timer));
  };
}

function expectNear(
  trials: readonly { readonly silenceMs: number }[],
  silencesMs: readonly number[],
): void {
  expect(trials).toHaveLength(silencesMs.length);
  for (const [at, { silenceMs }] of trials.entries()) {
    const wanted = silencesMs[at] ?? 0;
    expect(silenceMs).toBeGreaterThanOrEqual(wanted - 50);
  }
}
