import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startStatusServer, type StatusServer } from '../../src/net/status-server.js';
import { SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';

const resources = {
  '/word': {
    method: 'GET',
    answer: () => Promise.resolve({ status: 200, type: 'text/plain', body: 'äh\n' }),
  },
  '/sick': {
    method: 'GET',
    answer: () => Promise.resolve({ status: 503, type: 'text/plain', body: 'why\n' }),
  },
  '/do': {
    method: 'POST',
    answer: () => Promise.resolve({ status: 202, type: 'text/plain', body: 'done\n' }),
  },
} as const;

async function start(): Promise<StatusServer> {
  const server = await startStatusServer({ address: '127.0.0.1', port: 0 }, resources);
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
    ['GET', '/', 404, 'there is: /word, /sick, /do\n'],
    ['GET', '/toString', 404, 'there is: /word, /sick, /do\n'],
  ])('answers %s %s with %d', async (method, path, status, body) => {
    const { address } = await start();
    const response = await fetch(`http://127.0.0.1:${address.port}${path}`, { method });
    expect({ status: response.status, body: await response.text() }).toEqual({ status, body });
    expect(response.headers.get('cache-control')).toBe('no-store');
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
