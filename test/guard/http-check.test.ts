import type { ServerResponse } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseHealthCondition } from '../../src/core/guard/health-condition.js';
import type { Sign } from '../../src/core/guard/sign.js';
import { watchHttp, type HttpCheckOptions } from '../../src/guard/http-check.js';
import { closedPort, rawServer } from '../net/raw-server.js';
import { certificates, tlsEcho } from '../net/tls-server.js';
import { SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { httpServer } from './http-server.js';

const ALIVE: Sign = { kind: 'alive', by: 'http' };
const running = { healthy: [parseHealthCondition('state=Running')] };

describe('a status address', { timeout: TEST_MS }, () => {
  it('that says what it should is alive, each time it is asked', async () => {
    const { origin, requests, connections } = await httpServer(({ url }, response) =>
      response.end(JSON.stringify({ state: 'Running', asked: url })),
    );
    const signs = watch(`${origin}/status?brief`, running);
    await until(() => signs.length >= 3, SOON_MS);
    expect(signs.slice(0, 3)).toEqual([ALIVE, ALIVE, ALIVE]);
    expect(requests[0]).toBe('GET /status?brief');
    await until(() => connections.size <= 1, SOON_MS);
  });

  it('that says something else is not, and is again once it says so', async () => {
    let state = 'Running';
    const { origin } = await httpServer((_, response) => response.end(JSON.stringify({ state })));
    const signs = watch(origin, running);
    await until(() => signs.length >= 2, SOON_MS);
    state = 'Stopped';
    await until(() => signs.at(-1)?.kind === 'failed', SOON_MS);
    expect(signs.at(-1)).toEqual(failed(`not 'state=Running': it is "Stopped"`));
    state = 'Running';
    await until(() => signs.at(-1)?.kind === 'alive', SOON_MS);
  });

  it.each<[string, string, (response: ServerResponse) => unknown]>([
    ['another status', 'it answered 503', (response) => response.writeHead(503).end('{}')],
    [
      'somewhere else',
      'it answered 302',
      (response) => response.writeHead(302, { location: '/well' }).end(),
    ],
    [
      'a page',
      `the answer is no JSON, and 'state=Running' asks for a field of it`,
      (response) => response.end('<html>'),
    ],
    ['nothing', 'no whole answer within 200ms', () => undefined],
    [
      'half an answer',
      'no whole answer within 200ms',
      (response) => response.writeHead(200).write('{"state":'),
    ],
    [
      'half an answer and a goodbye',
      'it closed the connection without a whole answer',
      (response) =>
        response.writeHead(200, { 'content-length': 9 }).write('{', () => response.destroy()),
    ],
    [
      'no answer and a goodbye',
      'it closed the connection without a whole answer',
      (response) => response.destroy(),
    ],
    [
      'an oversized answer',
      'its answer has more than 65536 bytes',
      (response) => response.end('x'.repeat(65_537)),
    ],
    ['an endless answer', 'its answer has more than 65536 bytes', (response) => endless(response)],
    [
      'endless headers',
      'its headers have more than 16384 bytes',
      (response) => response.setHeader('x', 'x'.repeat(20_000)).end('{}'),
    ],
  ])('that answers with %s is not: %s', async (_, reason, answer) => {
    const { origin, connections } = await httpServer((_, response) => answer(response));
    const signs = watch(origin, {
      ...running,
      timeoutMs: reason.startsWith('no whole') ? 200 : SOON_MS,
      intervalMs: SOON_MS,
    });
    await until(() => signs.length > 0, SOON_MS);
    expect(signs).toEqual([failed(reason)]);
    await until(() => connections.size === 0, SOON_MS);
  });

  it('that answers as much as may be is alive', async () => {
    const { origin } = await httpServer((_, response) => response.end('x'.repeat(65_536)));
    const signs = watch(origin);
    await until(() => signs.length > 0, SOON_MS);
    expect(signs[0]).toEqual(ALIVE);
  });

  it('where nobody listens, or somebody who does not speak HTTP, is not', async () => {
    const nobody = watch(`http://127.0.0.1:${await closedPort()}/`);
    const { port } = await rawServer((socket) => socket.end('220 mail ready\r\n'));
    const mail = watch(`http://127.0.0.1:${port}/`);
    await until(() => nobody.length > 0 && mail.length > 0, SOON_MS);
    expect(nobody[0]).toEqual(failed('connection refused'));
    expect(mail[0]).toEqual(failed('it does not speak HTTP (HPE_INVALID_CONSTANT)'));
  });

  it('under TLS is alive for whoever trusts its certificate by now', async () => {
    const { server, ca, selfSigned } = certificates();
    const { port } = await tlsEcho(server, (socket) =>
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'),
    );
    let trusted = selfSigned.cert;
    const signs = watch(`https://127.0.0.1:${port}/`, { ca: () => trusted });
    await until(() => signs.length > 0, SOON_MS);
    expect(signs[0]).toEqual(failed('UNABLE_TO_VERIFY_LEAF_SIGNATURE'));
    trusted = ca;
    await until(() => signs.at(-1)?.kind === 'alive', SOON_MS);
  });

  it('is not asked any more once nobody listens, not even for what is under way', async () => {
    const { origin, requests, connections } = await httpServer(() => undefined);
    const signs: Sign[] = [];
    const ear = watchHttp(options(origin), (sign) => signs.push(sign));
    await until(() => requests.length === 1, SOON_MS);
    ear.close();
    ear.close();
    await until(() => connections.size === 0, SOON_MS);
    expect(signs).toEqual([]);
    expect(requests).toHaveLength(1);
  });

  it('is not blamed for a stall of our own', async () => {
    const { port } = await rawServer((socket, number) => {
      if (number % 2 === 1) block(800); // before the question is even written
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    });
    const signs = watch(`http://127.0.0.1:${port}/`, { timeoutMs: 500, intervalMs: 100 });
    await until(() => signs.length >= 2, SOON_MS);
    expect(signs.slice(0, 2)).toEqual([ALIVE, ALIVE]);
  });
});

function watch(url: string, more: Partial<HttpCheckOptions> = {}): readonly Sign[] {
  const signs: Sign[] = [];
  const ear = watchHttp({ ...options(url), ...more }, (sign) => signs.push(sign));
  onTestFinished(() => ear.close());
  return signs;
}

function options(url: string): HttpCheckOptions {
  return { url: new URL(url), healthy: [], unhealthy: [], intervalMs: 20, timeoutMs: SOON_MS };
}

function failed(reason: string): Sign {
  return { kind: 'failed', by: 'http', reason };
}

function endless(response: ServerResponse): void {
  const goOn = () => {
    if (response.destroyed) return;
    response.write('x'.repeat(1000));
    setImmediate(goOn);
  };
  goOn();
}

function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}
