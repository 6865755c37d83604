import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { playOpening, type ExchangeOptions } from '../../src/net/exchange.js';
import { preset } from '../core/preset.js';
import { SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { rawServer } from './raw-server.js';
import { refused } from './refused.js';
import { scriptedServer, type Script } from './scripted-server.js';

const password = { TCPALIVE_PASSWORD: 'hunter2' };
const CONNECT = 'CONNECT {"verbose":true,"pedantic":false}\r\n';

describe('an opening', { timeout: TEST_MS }, () => {
  it.each<[string, Script]>([
    ['smtp', { greeting: '220-mail.test\r\n220 ready\r\n' }],
    ['imap', { greeting: '* OK ready\r\n' }],
    ['redis', { answers: [['*', '+OK\r\n']] }],
    ['nats', { greeting: 'INFO {}\r\n', answers: [[CONNECT, 'PING\r\n+OK\r\n']] }],
    ['mqtt', { answers: [['*', 'hex:20020000']] }],
    ['websocket', { answers: [['*', 'HTTP/1.1 101 Switching Protocols\r\n\r\n']] }],
  ])('of %s is played, and the socket is left to the next', async (name, script) => {
    const { socket } = await opened(name, script);
    expect(socket.listenerCount('data') + socket.listenerCount('readable')).toBe(0);
    expect(socket.listenerCount('error')).toBe(0);
    expect(socket.destroyed).toBe(false);
  });

  it('loses nothing of what comes behind it', async () => {
    const { socket } = await opened('smtp', { greeting: '220 ready\r\n421 going\r\n' });
    const heard = read(socket);
    await until(() => heard() === '421 going\r\n', SOON_MS);
  });

  it('hands a goodbye on, or says that there was one', async () => {
    const { port } = await rawServer((socket) => socket.end('220 ready\r\n'));
    const socket = await connected(port);
    await playOpening(socket, preset('smtp'), { deadlineMs: SOON_MS }).then(
      () => once(socket.resume(), 'end'),
      (error: unknown) => expect(String(error)).toMatch(/ closed the connection \(FIN\)/),
    );
  });

  it('answers what it is asked meanwhile', async () => {
    const { socket, accepted } = await opened('nats', {
      greeting: 'INFO {}\r\n',
      answers: [
        [CONNECT, 'PING\r\n'],
        ['PONG\r\n', '+OK\r\n'],
      ],
    });
    expect(socket.destroyed).toBe(false);
    expect(accepted[0]?.bytesRead).toBe(CONNECT.length + 6);
  });

  it('that has no step is none', async () => {
    const { accepted } = await opened('memcached', {});
    expect(accepted[0]?.bytesRead).toBe(0);
  });
});

describe('a failed opening', { timeout: TEST_MS }, () => {
  it('in another protocol is named, and none of its bytes are repeated', async () => {
    const { failure, socket } = await failed('smtp', { greeting: 'SSH-2.0-\x1b[2J\r\n' });
    expect(failure).toMatchObject({ code: 'WRONG_PROTOCOL', exitCode: 3 });
    expect(failure.message).toMatch(
      /^127\.0\.0\.1:\d+ answered in another protocol: looks like SSH$/,
    );
    expect(failure.hint).toBe('it was asked in smtp; does it speak that? --protocol takes another');
    expect(socket.destroyed).toBe(true);
  });

  it('that is refused says whom to be', async () => {
    const { failure } = await failed('redis', { answers: [['*', '-WRONGPASS no\r\n']] });
    expect(failure.code).toBe('NO_ANSWER');
    expect(failure.message).toMatch(/ refuses to speak redis$/);
    expect(failure.hint).toContain('TCPALIVE_PASSWORD');
    expect(`${failure.message} ${failure.hint ?? ''}`).not.toContain('hunter2');
  });

  it('for which nobody says a word', async () => {
    const { failure } = await failed('ftp', {}, { deadlineMs: 200 });
    expect(failure.code).toBe('NO_ANSWER');
    expect(failure.message).toMatch(/ does not open a conversation in ftp within 0\.2s$/);
  });

  it('that is closed instead', async () => {
    const { port } = await rawServer((socket) => socket.end());
    const socket = await connected(port);
    const failure = await refused(playOpening(socket, preset('imap'), { deadlineMs: SOON_MS }));
    expect(failure.code).toBe('NO_ANSWER');
    expect(failure.message).toMatch(/ closed the connection \(FIN\) instead of opening/);
  });

  it('that was interrupted', async () => {
    const interruption = new AbortController();
    setImmediate(() => interruption.abort());
    const { failure } = await failed('ftp', {}, { interruption: interruption.signal });
    expect(failure.message).toMatch(/interrupted$/);
  });
});

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  await once(socket, 'connect');
  return socket;
}

async function opened(name: string, script: Script) {
  const { port, accepted } = await scriptedServer(script);
  const socket = await connected(port);
  await playOpening(socket, preset(name, name === 'redis' ? password : {}), {
    deadlineMs: SOON_MS,
  });
  await until(() => accepted.length > 0, SOON_MS);
  return { socket, accepted };
}

async function failed(name: string, script: Script, options: Partial<ExchangeOptions> = {}) {
  const { port } = await scriptedServer(script);
  const socket = await connected(port);
  const playing = playOpening(socket, preset(name, name === 'redis' ? password : {}), {
    deadlineMs: SOON_MS,
    ...options,
  });
  return { socket, failure: await refused(playing) };
}

/** As the next owner does. */
function read(socket: Socket): () => string {
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString()));
  return () => text;
}
