import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Sign } from '../../src/core/guard/sign.js';
import { startBeatsListener } from '../../src/guard/beats-listener.js';
import { refused } from '../net/refused.js';
import { SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { beatsListener, echoes, expected, framed, greeting, stranger } from './beats-service.js';

const BEAT = framed('');
const REGISTERED: Sign = { kind: 'registered', by: 'beats', timeoutMs: 3000 };
const READY: Sign = { kind: 'ready', by: 'beats' };
const ALIVE: Sign = { kind: 'alive', by: 'beats' };
const STOPPING: Sign = { kind: 'stopping', by: 'beats' };

describe('a service that beats', { timeout: TEST_MS }, () => {
  it('is heard from its greeting to its goodbye, and everything is echoed', async () => {
    const listener = await beatsListener();
    const service = expected(listener);
    const socket = await stranger(listener);
    const echoed = echoes(socket);
    socket.write(greeting(service));
    await until(() => service.signs.length === 1, SOON_MS);
    expect(service.signs).toEqual([REGISTERED]);
    const said = Buffer.concat([greeting(service), BEAT, BEAT, framed('stopping')]);
    socket.end(said.subarray(greeting(service).length));
    await once(socket, 'end');
    expect(service.signs).toEqual([REGISTERED, READY, ALIVE, ALIVE, STOPPING]);
    expect(echoed()).toEqual(said);
    expect(listener.refused).toEqual({ token: 0, words: 0, connections: 0 });
  });

  it('is heard in whatever pieces it speaks', async () => {
    const listener = await beatsListener();
    const service = expected(listener);
    const socket = await stranger(listener);
    const echoed = echoes(socket);
    const said = Buffer.concat([greeting(service), BEAT, framed('stopping')]);
    for (const byte of said) {
      await new Promise((resolve) => socket.write(Uint8Array.of(byte), resolve));
    }
    await until(() => echoed().length === said.length, SOON_MS);
    expect(service.signs).toEqual([REGISTERED, READY, ALIVE, STOPPING]);
  });

  it('and whose connection ends is news at once', async () => {
    const listener = await beatsListener();
    const service = expected(listener);
    const socket = await stranger(listener);
    socket.write(Buffer.concat([greeting(service), BEAT]));
    await until(() => service.signs.length === 3, SOON_MS);
    socket.destroy();
    await until(() => service.signs.length === 4, SOON_MS);
    expect(service.signs[3]).toMatchObject({ kind: 'failed', by: 'beats' });
    expect(service.signs[3]).toHaveProperty(
      'reason',
      expect.stringMatching(/^its connection ended \((FIN|ECONNRESET|EPIPE)\)$/),
    );
  });

  it('is not blamed for an end before its first beat, or after its goodbye', async () => {
    const listener = await beatsListener();
    const [early, late] = [expected(listener), expected(listener)];
    const sockets = [await stranger(listener), await stranger(listener)];
    sockets[0]?.end(greeting(early));
    sockets[1]?.end(Buffer.concat([greeting(late), BEAT, framed('stopping')]));
    await Promise.all(sockets.map((socket) => once(socket.resume(), 'close')));
    expect(early.signs).toEqual([REGISTERED]);
    expect(late.signs).toEqual([REGISTERED, READY, ALIVE, STOPPING]);
  });

  it('is heard though it never reads what is echoed', async () => {
    const listener = await beatsListener();
    const service = expected(listener);
    const socket = await stranger(listener);
    socket.pause().write(greeting(service));
    const beats = 20_000; // far more than its buffers hold of echoes
    for (let sent = 0; sent < beats; sent += 100) {
      const some = Buffer.concat(Array<Uint8Array>(100).fill(BEAT));
      await new Promise((resolve) => socket.write(some, resolve));
      // Each is a segment of its own, as a beat every second is.
      await until(() => service.signs.length >= sent, SOON_MS);
    }
    await until(() => service.signs.length === beats + 2, SOON_MS);
  });

  it('in several processes is alive while one of them is, and not heard of those', async () => {
    const listener = await beatsListener();
    const service = expected(listener);
    const [one, two] = [await stranger(listener), await stranger(listener)];
    one.write(Buffer.concat([greeting(service), BEAT]));
    await until(() => service.signs.length === 3, SOON_MS);
    two.write(Buffer.concat([greeting(service), BEAT]));
    await until(() => service.signs.length === 6, SOON_MS);
    one.destroy();
    two.write(BEAT);
    await until(() => service.signs.length === 7, SOON_MS);
    two.destroy();
    await until(() => service.signs.length === 8, SOON_MS);
    expect(service.signs.map(({ kind }) => kind)).toEqual([
      ...['registered', 'ready', 'alive', 'registered', 'ready', 'alive', 'alive', 'failed'],
    ]);
  });

  it('is told from another by its token, and from its own earlier run', async () => {
    const listener = await beatsListener();
    const [before, other] = [expected(listener), expected(listener)];
    const old = await stranger(listener);
    old.write(Buffer.concat([greeting(before), BEAT]));
    await until(() => before.signs.length === 3, SOON_MS);
    before.close();
    await once(old.resume(), 'close');
    const late = await stranger(listener);
    late.write(Buffer.concat([greeting(before), BEAT]));
    await once(late.resume(), 'close');
    expect(before.signs).toEqual([REGISTERED, READY, ALIVE]);
    expect(other.signs).toEqual([]);
    expect(listener.refused).toEqual({ token: 1, words: 0, connections: 0 });
  });
});

describe('a stranger', { timeout: TEST_MS }, () => {
  const token = '0'.repeat(32);

  it.each<[string, string, Uint8Array]>([
    ['a wrong token', 'token', framed(`${token} 3000`)],
    ['no greeting', 'words', framed('hello')],
    ['a beat', 'words', BEAT],
    ['a page', 'words', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['a time out of range', 'words', framed(`${token} 1`)],
  ])('with %s is refused and counted: %s', async (_, cause, said) => {
    const listener = await beatsListener();
    const service = expected(listener);
    const socket = await stranger(listener);
    const echoed = echoes(socket);
    socket.write(said);
    await once(socket, 'close');
    expect(echoed().length).toBe(0);
    expect(listener.refused).toEqual({ token: 0, words: 0, connections: 0, [cause]: 1 });
    expect(service.signs).toEqual([]);
  });

  it('with a token that says something else than beats is let go: that is news', async () => {
    const listener = await beatsListener();
    const service = expected(listener);
    const socket = await stranger(listener);
    socket.write(Buffer.concat([greeting(service), BEAT, framed('beat'), BEAT]));
    await once(socket.resume(), 'close');
    expect(service.signs).toEqual([
      ...[REGISTERED, READY, ALIVE],
      { kind: 'failed', by: 'beats', reason: 'it said something else than beats' },
    ]);
    expect(listener.refused.words).toBe(1);
  });

  it('that says nothing is let go in the end, and has no place that others need', async () => {
    const listener = await beatsListener();
    const service = expected(listener);
    const mute = await Promise.all(Array.from({ length: 64 }, () => stranger(listener)));
    const one = await stranger(listener);
    await once(one.resume(), 'close');
    expect(listener.refused).toEqual({ token: 0, words: 0, connections: 1 });
    for (const socket of mute) socket.resume();
    await until(() => mute.every(({ closed }) => closed), SOON_MS);
    expect(listener.refused).toEqual({ token: 64, words: 0, connections: 1 });
    const socket = await stranger(listener);
    socket.write(greeting(service));
    await until(() => service.signs.length === 1, SOON_MS);
  });

  it('with a token has no more places than 64', async () => {
    const listener = await beatsListener();
    const [service, other] = [expected(listener), expected(listener)];
    for (let at = 0; at < 64; at++) (await stranger(listener)).write(greeting(service));
    await until(() => service.signs.length === 64, SOON_MS);
    const socket = await stranger(listener);
    socket.write(greeting(service));
    await once(socket.resume(), 'close');
    expect(listener.refused).toEqual({ token: 0, words: 0, connections: 1 });
    (await stranger(listener)).write(greeting(other));
    await until(() => other.signs.length === 1, SOON_MS);
  });
});

describe('the socket of beats', { timeout: TEST_MS }, () => {
  it('is open to its own user only, and goes with whoever listens', async () => {
    const listener = await startBeatsListener({ folder: tmpdir() });
    const service = expected(listener);
    const mode = (path: string) => statSync(path).mode & 0o777;
    expect(mode(listener.path)).toBe(0o600);
    expect(mode(dirname(listener.path))).toBe(0o700);
    expect(service.variables['TCPALIVE_GUARD_SOCKET']).toBe(listener.path);
    const [said, silent] = [await stranger(listener), await stranger(listener)];
    said.write(Buffer.concat([greeting(service), BEAT]));
    await until(() => service.signs.length === 3, SOON_MS);
    const gone = Promise.all([once(said.resume(), 'close'), once(silent.resume(), 'close')]);
    await listener.close();
    await listener.close();
    await gone;
    expect(service.signs).toHaveLength(3);
    expect(existsSync(dirname(listener.path))).toBe(false);
  });

  it('needs a folder, whose path is short', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'tcpalive-test-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const missing = join(folder, 'missing');
    const none = await refused(startBeatsListener({ folder: missing }));
    expect(none.code).toBe('CANNOT_LISTEN');
    expect(none.message).toContain(`cannot listen for beats in ${missing}: ENOENT`);
    const long = join(folder, 'x'.repeat(100));
    mkdirSync(long);
    const { message } = await refused(startBeatsListener({ folder: long }));
    expect(message).toMatch(/: it has \d+ bytes, and the path of a socket at most 107$/);
    expect(readdirSync(long)).toEqual([]);
  });
});
