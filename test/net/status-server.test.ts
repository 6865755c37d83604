import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Asker } from '../../src/net/asker.js';
import {
  startStatusServer,
  type Resource,
  type StatusServer,
} from '../../src/net/status-server.js';
import { SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';

const BUG = new TypeError('undefined is no status');

const resources = {
  '/word': {
    method: 'GET',
    answer: () => Promise.resolve({ status: 200, type: 'text/plain', body: 'äh\n' }),
  },
  '/sick': {
    method: 'GET',
    answer: () => Promise.resolve({ status: 503, type: 'text/plain', body: 'why\n' }),
  },
  '/bug': { method: 'GET', answer: () => Promise.reject(BUG) },
  '/do': {
    method: 'POST',
    answer: () => Promise.resolve({ status: 202, type: 'text/plain', body: 'done\n' }),
  },
} as const;

async function start(
  others: Readonly<Record<string, Resource>> = resources,
  address = '127.0.0.1',
  onBug: (error: unknown) => void = (bug) => expect.unreachable(String(bug)),
): Promise<StatusServer> {
  const server = await startStatusServer({ address, port: 0 }, others, { onBug });
  onTestFinished(() => server.close());
  return server;
}

describe('a status server', { timeout: TEST_MS }, () => {
  it.each([
    ['GET', '/word', 200, 'äh\n'],
    ['GET', '/word?whatever', 200, 'äh\n'],
    ['HEAD', '/word', 200, ''],
    ['GET', '/sick', 503, 'why\n'],
    ['POST', '/do', 202, 'done\n'],
    ['GET', '/do', 405, 'only POST\n'],
    ['POST', '/word', 405, 'only GET\n'],
    ['DELETE', '/word', 405, 'only GET\n'],
    ['GET', '/', 404, 'there is: /word, /sick, /bug, /do\n'],
    ['GET', '/toString', 404, 'there is: /word, /sick, /bug, /do\n'],
  ])('answers %s %s with %d', async (method, path, status, body) => {
    const { address } = await start();
    const at = `http://127.0.0.1:${address.port}${path}`;
    const response = await fetch(at, { method, headers: { tcpalive: '1' } });
    expect({ status: response.status, body: await response.text() }).toEqual({ status, body });
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('server')).toBe('tcpalive');
  });

  it.each([
    ['without our header', { host: '127.0.0.1' }],
    ['by a name that may lead here', { tcpalive: '1', host: 'rebound.example:7778' }],
  ])('does nothing that a web page may have asked for: %s', async (_, headers) => {
    let isDone = false;
    const answer = () =>
      Promise.resolve({ status: 202, type: 'text/plain', body: '' }).then((it) => {
        isDone = true;
        return it;
      });
    const server = await start({ '/do': { method: 'POST', answer } });
    const refused = await asked(server, { method: 'POST', path: '/do', headers });
    expect({ status: refused.statusCode, said: await text(refused) }).toEqual({
      status: 403,
      said: expect.stringMatching(/^a web page could have sent this: /) as unknown,
    });
    // What a browser asks beforehand, where the page is another origin's.
    const preflight = await asked(server, {
      method: 'OPTIONS',
      path: '/do',
      headers: {
        origin: 'http://evil.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'tcpalive',
      },
    });
    expect(preflight.statusCode).toBe(405);
    const granted = Object.keys(preflight.headers).filter((name) => name.startsWith('access-'));
    expect(granted).toEqual([]);
    expect(isDone).toBe(false);
  });

  it.each([
    ['127.1', 202],
    ['127.0.0.1', 403],
  ])('told to listen on %s, answers whoever calls it 127.1 with %i', async (address, status) => {
    // To inet_aton(3) that is 127.0.0.1, and to us a name like any other.
    const server = await start(resources, address);
    const headers = { tcpalive: '1', host: `127.1:${server.address.port}` };
    const { statusCode } = await asked(server, { method: 'POST', path: '/do', headers });
    expect(statusCode).toBe(status);
  });

  it('tells a resource who asks', async () => {
    const askers: Asker[] = [];
    const server = await start({
      '/who': {
        method: 'GET',
        answer: (asker) => {
          askers.push(asker);
          return Promise.resolve({ status: 200, type: 'text/plain', body: '' });
        },
      },
    });
    const { socket } = await asked(server, { path: '/who' });
    expect(askers).toEqual([
      { local: server.address, remote: { address: '127.0.0.1', port: socket.localPort } },
    ]);
  });

  it('sends a stream as it grows, and to its end though it is closed meanwhile', async () => {
    const body = new PassThrough();
    const server = await start({
      '/slow': {
        method: 'GET',
        answer: () => Promise.resolve({ status: 200, type: 'text/plain', body }),
      },
    });
    const response = await asked(server, { path: '/slow' });
    const chunks = response.setEncoding('utf8')[Symbol.asyncIterator]();
    body.write('first\n');
    expect((await chunks.next()).value).toBe('first\n');
    const closed = server.close();
    body.end('last\n');
    expect((await chunks.next()).value).toBe('last\n');
    expect((await chunks.next()).done).toBe(true);
    await closed;
  });

  it('waits for no answer for ever when it is closed, nor for who asks nothing', async () => {
    let isAsked = false;
    const server = await start({
      '/never': {
        method: 'GET',
        answer: () => {
          isAsked = true;
          return new Promise(() => undefined);
        },
      },
    });
    const mute = await connected(server);
    const unanswered = asked(server, { path: '/never' });
    await until(() => isAsked, SOON_MS);
    await Promise.all([
      expect(unanswered).rejects.toMatchObject({ code: 'ECONNRESET' }),
      until(() => mute.closed, SOON_MS),
      server.close(),
    ]);
  });

  it('goes on after whoever asked has gone', async () => {
    const body = new PassThrough();
    const server = await start({
      ...resources,
      '/slow': {
        method: 'GET',
        answer: () => Promise.resolve({ status: 200, type: 'text/plain', body }),
      },
    });
    const response = await asked(server, { path: '/slow' });
    response.destroy();
    await until(() => body.destroyed, SOON_MS);
    body.end('too late');
    expect((await asked(server, { path: '/word' })).statusCode).toBe(200);
  });

  it('tells of a bug in an answer, and goes on answering', async () => {
    const bugs: unknown[] = [];
    const { address } = await start(resources, '127.0.0.1', (bug) => bugs.push(bug));
    const ask = (path: string) => fetch(`http://127.0.0.1:${address.port}${path}`);
    const response = await ask('/bug');
    expect({ status: response.status, body: await response.text() }).toEqual({
      status: 500,
      body: 'a bug\n',
    });
    expect(bugs).toEqual([BUG]);
    expect((await ask('/word')).status).toBe(200);
  });

  it('holds few connections, and those for seconds', async () => {
    const server = await start();
    const mute = await Promise.all(Array.from({ length: 17 }, () => connected(server)));
    // One more than it holds: that one at once, and the others when they have said nothing for long.
    await until(() => mute.filter(({ closed }) => closed).length === 1, SOON_MS);
    await until(() => mute.every(({ closed }) => closed), SOON_MS);
  });

  it('reads no more head than it must', async () => {
    const server = await start();
    const socket = await connected(server);
    const answer = once(socket, 'data', { signal: AbortSignal.timeout(SOON_MS) });
    socket.write(`GET /word HTTP/1.1\r\nhost: x\r\nlong: ${'x'.repeat(10_000)}`);
    expect(String((await answer)[0])).toMatch(/^HTTP\/1.1 431 /);
  });
});

async function connected({ address }: StatusServer): Promise<Socket> {
  const socket = connect(address.port, address.address);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  socket.resume();
  await once(socket, 'connect');
  return socket;
}

/** Its head; fetch would say another host than it is told to. */
function asked(
  { address }: StatusServer,
  options: {
    readonly method?: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
  },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request({ ...options, host: address.address, port: address.port, agent: false })
      .on('response', resolve)
      .on('error', reject)
      .end();
  });
}
