import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { describe, expect, it } from 'vitest';
import { addMs } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { KernelRefusal, type Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { descriptorOf } from '../../src/net/descriptor.js';
import { preset } from '../core/preset.js';
import { engine, kernel, lacks, lacksEngine, SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { probing } from './probing.js';
import { rawServer } from './raw-server.js';
import { refused } from './refused.js';
import { scriptedServer } from './scripted-server.js';
import { certificates, tlsEcho } from './tls-server.js';

describe("beats in the server's own protocol", { timeout: TEST_MS }, () => {
  it('are answered after an opening, and what the server asks meanwhile is answered too', async () => {
    let pongs = 0;
    const { port } = await rawServer((socket) => {
      socket.write('INFO {}\r\n');
      socket.on('data', (chunk) => {
        for (const line of chunk.toString().split('\r\n').slice(0, -1)) {
          if (line === 'PING') socket.write('PING\r\nPONG\r\n');
          else if (line === 'PONG') pongs++;
          else socket.write('+OK\r\n');
        }
      });
    });
    const { result, events } = await probing(port, {
      speech: preset('nats'),
      count: 3,
      guessed: true,
    });
    expect(result).toMatchObject({
      verdict: { kind: 'alive' },
      beats: { answered: 3 },
      protocol: { name: 'nats', guessed: true },
    });
    expect(events[0]).toMatchObject({ event: 'connected', asked: 'process' });
    await until(() => pongs >= 2, SOON_MS);
  });

  it('of a websocket, whose server pings', async () => {
    const { port, accepted } = await scriptedServer({
      answers: [
        ['GET ', 'HTTP/1.1 101 Switching Protocols\r\n\r\n'],
        ['hex:898001020304', 'hex:89016d8a00'],
        ['*', ''],
      ],
    });
    const { result } = await probing(port, { speech: preset('websocket'), count: 1 });
    expect(result.beats.answered).toBe(1);
    expect(accepted[0]?.bytesRead).toBeGreaterThan(100);
  });

  it('answered in another one end with its name, and no peer byte', async () => {
    const { port } = await scriptedServer({ answers: [['*', 'HTTP/1.1 400 \x1b[2J\r\n']] });
    const { result } = await probing(port, { speech: preset('redis') });
    expect(result.verdict).toMatchObject({
      kind: 'no-answer',
      by: 'violation',
      detail: 'answered in another protocol: looks like HTTP',
    });
    expect(JSON.stringify(result)).not.toContain('[2J');
  });

  it('that are never answered are no verdict', async () => {
    const { port } = await scriptedServer({});
    const { result } = await probing(port, {
      speech: preset('redis'),
      mode: 'heartbeat=20ms:200ms',
    });
    expect(result.verdict).toMatchObject({ kind: 'no-answer', by: 'heartbeat', detail: null });
  });
});

describe('under TLS', { timeout: TEST_MS }, () => {
  const { ca } = certificates();
  const tls = { servername: 'localhost', ca, insecure: false };

  it('an opening is played, and beats are answered, behind which the server hangs up', async () => {
    let asked = 0;
    const { port } = await tlsEcho(undefined, (socket) => {
      socket.write('220-localhost\r\n220 ready\r\n');
      socket.on('data', () => {
        if (++asked > 2) socket.end('250 ok\r\n421 bye\r\n');
        else socket.write('250 ok\r\n');
      });
    });
    const { result } = await probing(port, { speech: preset('smtp'), tls });
    expect(result).toMatchObject({
      verdict: { kind: 'closed', by: 'FIN' },
      beats: { answered: 3 },
    });
  });

  it('each beat may have a connection', async () => {
    const { port, secured } = await tlsEcho(undefined, (socket) =>
      socket.on('data', () => socket.write('N')),
    );
    const { result } = await probing(port, { speech: preset('postgres'), tls, count: 3 });
    expect(result).toMatchObject({ verdict: { kind: 'alive' }, beats: { answered: 3 } });
    expect(secured).toHaveLength(3);
  });

  it('a certificate that nobody trusts any more ends it, and is named', async () => {
    const server = await tlsEcho(undefined, (socket) => socket.on('data', () => socket.write('N')));
    const { port } = server;
    const { result, events } = await probing(
      port,
      { speech: preset('postgres'), tls },
      kernel,
      (event) => {
        if (event.event === 'beat' && event.number === 2) server.become(certificates().hostile);
      },
    );
    const reason = `no TLS with 127.0.0.1:${port}: its certificate is not trusted: it is signed by itself`;
    expect(result.verdict).toMatchObject({ kind: 'closed', by: 'violation', detail: reason });
    expect(events.at(-2)).toMatchObject({ event: 'failed', number: 3, reason });
  });

  it('another protocol is named too', async () => {
    const { port } = await tlsEcho(undefined, (socket) => socket.write('* OK ready\r\n'));
    const failure = await refused(probing(port, { speech: preset('smtp'), tls }));
    expect(failure.message).toMatch(/looks like IMAP$/);
  });
});

describe('beats on a connection each', { timeout: TEST_MS }, () => {
  const postgres = preset('postgres');

  it('connect, are answered and close', async () => {
    const { port, accepted } = await scriptedServer({ answers: [['*', 'N']] });
    const { result, events } = await probing(port, { speech: postgres, count: 3 });
    expect(result).toMatchObject({
      verdict: { kind: 'alive' },
      beats: { sent: 3, answered: 3 },
      connections: 1,
      drop: null,
    });
    expect(result.beats.rttMs?.samples).toHaveLength(3);
    expect(events.map(({ event }) => event)).toEqual(['connected', 'beat', 'beat', 'beat']);
    expect(accepted).toHaveLength(3);
    await until(() => accepted.every((socket) => socket.destroyed), SOON_MS);
  });

  it('are dead when the process falls silent, and its kernel is not', async () => {
    const { port } = await rawServer((socket, number) => {
      if (number <= 3) socket.on('data', () => socket.write('S'));
    });
    const { result } = await probing(port, { speech: postgres, mode: 'heartbeat=400ms:800ms' });
    const where = lacks('tcpInfo') ? 'kernel' : 'process';
    expect(result.verdict).toMatchObject({ kind: 'dead', by: 'heartbeat', where });
    expect(result).toMatchObject({ beats: { sent: 4, answered: 3 }, lost: 1 });
  });

  it('blame nobody for a stall of our own', async () => {
    const { port } = await scriptedServer({ answers: [['*', 'N']] });
    const mode = 'heartbeat=20ms:300ms';
    const { result } = await probing(
      port,
      { speech: postgres, mode, count: 4 },
      kernel,
      ({ event }) => {
        if (event === 'beat') stall(700);
      },
    );
    expect(result).toMatchObject({ verdict: { kind: 'alive' }, beats: { answered: 4 } });
  });

  it('are over when nobody listens any more, or it is closed without a word', async () => {
    const gone = await rawServer((socket, number) => {
      socket.on('data', () => socket.write('S'));
      if (number === 2) gone.stopListening();
    });
    const rude = await rawServer((socket, number) =>
      socket.on('data', () => (number > 2 ? socket.end() : socket.write('S'))),
    );
    const [refusing, closing] = await Promise.all(
      [gone, rude].map(({ port }) => probing(port, { speech: postgres })),
    );
    expect(refusing?.result.verdict).toMatchObject({ kind: 'closed', by: 'ECONNREFUSED' });
    expect(closing?.result.verdict).toMatchObject({ kind: 'closed', by: 'FIN' });
  });

  it('that have no connection any more were the last that counts', async () => {
    const { port } = await scriptedServer({ answers: [['*', 'N']] });
    const refusing = (answered: number): Kernel => {
      let opened = 0;
      return changed({
        setUserTimeout(_, timeoutMs) {
          if (++opened > answered) throw new KernelRefusal('setsockopt', constants.errno.EINVAL);
          return timeoutMs;
        },
      });
    };
    const mode = 'heartbeat=20ms:500ms+user-timeout=1m';
    const [dead, brief] = await Promise.all([
      probing(port, { speech: postgres, mode }, refusing(2)),
      probing(port, { speech: postgres, mode, durationMs: 400 }, refusing(1)),
    ]);
    expect(dead.result).toMatchObject({
      verdict: { kind: 'dead', by: 'heartbeat', where: 'unknown' },
      beats: { answered: 2 },
    });
    expect(dead.events.filter(({ event }) => event === 'failed').length).toBeGreaterThan(2);
    const reason = expect.stringMatching(/^the mode cannot be put on the socket: /) as string;
    expect(brief.result).toMatchObject({
      verdict: { kind: 'unanswered', detail: reason },
      beats: { answered: 1 },
    });
  });

  it.skipIf(lacksEngine)(
    'into nothing are dead at the timeout (needs socketFilter or minTtl)',
    async () => {
      const server = await scriptedServer({ answers: [['*', 'N']] });
      const { result } = await probing(
        server.port,
        { speech: postgres, mode: 'heartbeat=400ms:800ms' },
        kernel,
        (event) => {
          if (event.event === 'beat' && event.number === 2) kernel.cut(server.fd, engine);
        },
      );
      expect(result.verdict).toMatchObject({ kind: 'dead', by: 'heartbeat', where: 'kernel' });
      expect(result.beats).toMatchObject({ sent: 3, answered: 2 });
      if (result.verdict.kind === 'dead') {
        expect(result.verdict.silentMs).toBeGreaterThanOrEqual(800);
      }
    },
  );

  it('that are reset as soon as they connect are closed, the first one too', async () => {
    const verdict = async () => {
      let isConnected = false;
      const server = await rawServer((socket) => isConnected && socket.resetAndDestroy());
      const { result } = await probing(server.port, { speech: postgres }, kernel, ({ event }) => {
        if (event !== 'connected') return;
        isConnected = true;
        for (const socket of server.accepted) socket.resetAndDestroy();
      });
      return result.verdict;
    };
    for (const each of await Promise.all(Array.from({ length: 20 }, verdict))) {
      expect(each).toMatchObject({ kind: 'no-answer', by: 'ECONNRESET' });
    }
  });

  it('to a server of another protocol name it', async () => {
    const { port } = await rawServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'));
    const { result } = await probing(port, { speech: postgres });
    expect(result.verdict).toMatchObject({
      kind: 'no-answer',
      detail: 'answered in another protocol: looks like SSH',
    });
  });

  it('end with an interruption, a duration, and never beat faster than told', async () => {
    const { port, accepted } = await scriptedServer({ answers: [['*', 'N']] });
    const mode = 'heartbeat=200ms:5s';
    const { result } = await probing(port, { speech: postgres, mode, durationMs: 500 });
    expect(result).toMatchObject({ complete: true, verdict: { kind: 'alive' } });
    expect(accepted.length).toBeLessThanOrEqual(3);

    const interruption = new AbortController();
    const interrupted = await probing(
      port,
      { speech: postgres, interruption: interruption.signal },
      kernel,
      ({ event }) => {
        if (event === 'beat') interruption.abort();
      },
    );
    expect(interrupted.result).toMatchObject({ complete: false, beats: { sent: 1 } });
  });

  it('cannot be cut', async () => {
    const failure = await refused(probing(9, { speech: postgres, dropAfterMs: 100 }));
    expect(failure.message).toMatch(/^--drop-after cuts one connection, /);
  });
});

describe.skipIf(lacks('tcpInfo', 'keepaliveTuning'))(
  'beats without a byte (need tcpInfo and keepaliveTuning)',
  { timeout: TEST_MS },
  () => {
    const byKernel = { speech: undefined, mode: 'heartbeat=1s:3s' };

    it('are answered by a kernel, whatever its process does or says, until it hangs up', async () => {
      const deaf = await rawServer((socket) => socket.pause());
      const chatty = await rawServer((socket) => {
        const timer = setInterval(() => socket.write('SSH-2.0-x\r\n'), 300);
        socket.on('close', () => clearInterval(timer));
      });
      const leaving = await rawServer((socket) => setTimeout(() => socket.end(), 1300));
      const [quiet, disturbed, closed] = await Promise.all([
        probing(deaf.port, { ...byKernel, count: 2 }),
        probing(chatty.port, { ...byKernel, count: 2 }),
        probing(leaving.port, byKernel),
      ]);
      expect(quiet.result).toMatchObject({
        verdict: { kind: 'alive' },
        beats: { sent: 2, answered: 2 },
        protocol: null,
        kernel: { state: 'ESTABLISHED' },
      });
      expect(quiet.events[0]).toMatchObject({
        event: 'connected',
        asked: 'kernel',
        protocol: null,
      });
      expect(deaf.accepted[0]?.resume().bytesRead).toBe(0);
      expect(disturbed.result.verdict).toEqual({ kind: 'alive' });
      expect(closed.result.verdict).toMatchObject({ kind: 'closed', by: 'FIN' });
    });

    it.skipIf(lacksEngine)(
      'find a silent kernel dead, after its timeout (needs socketFilter or minTtl)',
      async () => {
        const cut = (socket: Socket) => kernel.cut(descriptorOf(socket) ?? -1, engine);
        const server = await rawServer();
        const { result } = await probing(server.port, byKernel, kernel, (event) => {
          if (event.event === 'beat' && event.number === 1) server.accepted.forEach(cut);
        });
        expect(result.verdict).toMatchObject({ kind: 'dead', by: 'heartbeat', where: 'kernel' });
        if (result.verdict.kind === 'dead') {
          expect(result.verdict.silentMs).toBeGreaterThanOrEqual(3000 - TWO_TICKS_MS);
        }
        expect(result.beats.answered).toBe(1);
      },
    );
  },
);

it('beats without a byte take a kernel that tells', async () => {
  const failure = await refused(
    probing(9, { speech: undefined, mode: 'heartbeat=1s:3s' }, portableKernel),
  );
  expect(failure).toMatchObject({ code: 'NO_CAPABILITY' });
  expect(failure.hint).toContain('--protocol');
});

/** The real one, but for these. */
function changed(changes: Partial<Kernel>): Kernel {
  return new Proxy(kernel, {
    get: (target, name) => {
      const value: unknown = Reflect.get(changes, name) ?? Reflect.get(target, name);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** The loop is busy, as it would be with something else. */
function stall(ms: number): void {
  const end = addMs(monotonicNow(), ms);
  while (monotonicNow() < end);
}

/** The kernel counts silence in ticks of at most 10 ms. */
const TWO_TICKS_MS = 20;
