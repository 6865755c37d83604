import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Sign } from '../../src/core/guard/sign.js';
import { watchTcp, type TcpCheckOptions } from '../../src/guard/tcp-check.js';
import { preset } from '../core/preset.js';
import { closedPort, rawServer } from '../net/raw-server.js';
import {
  givesDescriptorsBack,
  kernel,
  lacksDescriptorCount,
  SOON_MS,
  TEST_MS,
} from '../real-kernel.js';
import { until } from '../until.js';

const ALIVE: Sign = { kind: 'alive', by: 'tcp' };
const echo = (socket: Socket) => socket.pipe(socket);

describe('a server', { timeout: TEST_MS }, () => {
  it('that answers on one connection is alive, each time it is asked', async () => {
    const { port, accepted } = await rawServer(echo);
    const signs = watch(port);
    await until(() => signs.length >= 3, SOON_MS);
    expect(signs.slice(0, 3)).toEqual([ALIVE, ALIVE, ALIVE]);
    expect(accepted).toHaveLength(1);
  });

  it('that answers on fresh connections is too', async () => {
    const { port, accepted } = await rawServer(echo);
    const signs = watch(port, { fresh: true });
    await until(() => signs.length >= 3, SOON_MS);
    expect(signs.slice(0, 3)).toEqual([ALIVE, ALIVE, ALIVE]);
    expect(accepted.length).toBeGreaterThanOrEqual(3);
  });

  it.each([false, true])('that takes connections and hangs is not (fresh: %s)', async (fresh) => {
    const { port } = await rawServer();
    const signs = watch(port, { fresh, timeoutMs: 100 });
    await until(() => signs.length > 0, SOON_MS);
    expect(reasonOf(signs[0])).toMatch(/^no answer for [\d.]+m?s/);
  });

  it('that hangs after an answer is told from one that is gone', async () => {
    const { port } = await rawServer((socket) => {
      socket.once('data', (beat) => socket.write(beat));
    });
    const signs = watch(port, { timeoutMs: 300 });
    await until(() => signs.length > 1, SOON_MS);
    expect(signs[0]).toEqual(ALIVE);
    expect(reasonOf(signs[1])).toMatch(
      /^no answer for [\d.]+m?s: its kernel acknowledges, the process does not answer$/,
    );
  });

  it('that closes the connection is heard of at once, and asked on another one', async () => {
    const { port, accepted } = await rawServer((socket, number) => {
      if (number > 1) return void echo(socket);
      socket.once('data', (beat) => {
        socket.write(beat);
        socket.once('data', () => socket.end());
      });
    });
    const signs = watch(port, { intervalMs: 300 });
    await until(() => signs.length >= 3, SOON_MS);
    const ended = 'its connection ended (FIN); --fresh asks each time on another one';
    expect(signs.slice(0, 3)).toEqual([ALIVE, failed(ended), ALIVE]);
    expect(accepted).toHaveLength(2);
  });

  it('that closes after each answer is alive all the same', async () => {
    const { port, accepted } = await rawServer((socket) => {
      socket.once('data', (beat) => socket.end(beat));
    });
    const signs = watch(port, { intervalMs: 300 });
    await until(() => signs.length >= 3, SOON_MS);
    expect(signs).toEqual([ALIVE, ALIVE, ALIVE]);
    expect(accepted.length).toBeGreaterThanOrEqual(3);
  });

  it('that lets nobody in any more is missed by fresh connections alone', async () => {
    const { port, stopListening } = await rawServer(echo);
    const [one, fresh] = [watch(port), watch(port, { fresh: true })];
    await until(() => one.length > 0 && fresh.length > 0, SOON_MS);
    stopListening();
    await until(() => fresh.some(({ kind }) => kind === 'failed'), SOON_MS);
    const heard = one.length;
    await until(() => one.length > heard + 2, SOON_MS);
    expect(one.filter(({ kind }) => kind === 'failed')).toEqual([]);
    const found = fresh.find(({ kind }) => kind === 'failed');
    expect(reasonOf(found)).toMatch(/connection refused$/);
  });

  it('where nobody listens is not alive, and is once somebody does', async () => {
    const port = await closedPort();
    const signs = watch(port);
    await until(() => signs.length > 0, SOON_MS);
    expect(signs[0]).toEqual(failed(`cannot connect to 127.0.0.1:${port}: connection refused`));
    const server = createServer(echo).listen(port, '127.0.0.1');
    const sockets: Socket[] = [];
    server.on('connection', (socket) => sockets.push(socket));
    onTestFinished(() => {
      server.close();
      for (const socket of sockets) socket.destroy();
    });
    await once(server, 'listening');
    await until(() => signs.at(-1)?.kind === 'alive', SOON_MS);
  });

  it('that speaks something else is not', async () => {
    const { port } = await rawServer((socket) => socket.write('SSH-2.0-x\r\n'));
    const signs = watch(port, { speech: preset('redis') });
    await until(() => signs.length > 0, SOON_MS);
    expect(signs[0]).toEqual(failed('answered in another protocol: looks like SSH'));
  });

  it.skipIf(lacksDescriptorCount)('is let go with the ear', async () => {
    const { port, accepted } = await rawServer(echo);
    await givesDescriptorsBack(async () => {
      for (const fresh of [false, true]) {
        const signs: Sign[] = [];
        const ear = watchTcp(kernel, { ...options(port), fresh }, (sign) => signs.push(sign));
        await until(() => signs.length >= 2, SOON_MS);
        ear.close();
        ear.close();
        await until(() => accepted.every(({ closed }) => closed), SOON_MS);
        expect(signs.filter(({ kind }) => kind === 'failed')).toEqual([]);
      }
    });
  });
});

function watch(port: number, more: Partial<TcpCheckOptions> = {}): readonly Sign[] {
  const signs: Sign[] = [];
  const ear = watchTcp(kernel, { ...options(port), ...more }, (sign) => signs.push(sign));
  onTestFinished(() => ear.close());
  return signs;
}

function options(port: number): TcpCheckOptions {
  const remote = { address: '127.0.0.1', port };
  return { remote, speech: preset('tcpalive'), fresh: false, intervalMs: 50, timeoutMs: SOON_MS };
}

function failed(reason: string): Sign {
  return { kind: 'failed', by: 'tcp', reason };
}

function reasonOf(sign: Sign | undefined): string {
  return sign?.kind === 'failed' ? sign.reason : `not failed: ${sign?.kind ?? ''}`;
}
