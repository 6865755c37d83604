/** TLS over a connection of ours: what is agreed on, what is refused, and who notices what. */
import { once } from 'node:events';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseMode } from '../../src/core/mode.js';
import { addMs } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { connect, type Client, type ClientOptions } from '../../src/net/client.js';
import type { Connection, ConnectionHandlers } from '../../src/net/connection.js';
import type { TlsOptions } from '../../src/net/open-socket.js';
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
import { ended, fdOf } from './driven.js';
import { rawServer } from './raw-server.js';
import { refused } from './refused.js';
import { certificates, tlsEcho, type TlsServer } from './tls-server.js';

const { ca, selfSigned } = certificates();
const trusting: TlsOptions = { servername: 'localhost', ca, insecure: false };

describe('TLS', { timeout: TEST_MS }, () => {
  it('is agreed on, with a certificate that is trusted', async () => {
    const { port } = await tlsEcho();
    const { tls, remote } = await open(port);
    expect(tls).toEqual({
      ...{ protocol: 'TLSv1.3', cipher: expect.stringMatching(/^TLS_/) as string, problem: null },
      ...{ subject: 'CN=localhost', issuer: 'CN=tests of tcpalive' },
    });
    expect(remote).toEqual({ address: '127.0.0.1', port });
  });

  it('asks for no name where there is none, and takes a certificate for the address', async () => {
    const { port, secured } = await tlsEcho();
    const { tls } = await open(port, { tls: { ...trusting, servername: undefined } });
    await until(() => secured[0] !== undefined, SOON_MS);
    expect(tls?.problem).toBeNull();
    expect((secured[0] as { servername?: unknown }).servername).toBe(false);
  });

  it.skipIf(lacks('tcpInfo'))(
    "leaves the connection's own descriptor (needs tcpInfo)",
    async () => {
      const { port } = await tlsEcho();
      const { connection } = await open(port);
      expect(kernel.tcpInfo(fdOf(connection))?.state).toBe('ESTABLISHED');
      connection.reset();
      expect(connection.descriptor).toBeUndefined();
    },
  );
});

describe('a client under TLS', { timeout: TEST_MS }, () => {
  it.skipIf(lacksEngine)('notices when dead (needs socketFilter or minTtl)', async () => {
    const { port } = await tlsEcho();
    let answers = 0;
    let heardAt = monotonicNow();
    const client = await open(
      port,
      { mode: parseMode('heartbeat=20ms:300ms') },
      {
        onFrames({ count }, at) {
          answers += count;
          heardAt = at;
        },
      },
    );
    await until(() => answers > 3, SOON_MS);
    kernel.cut(fdOf(client.connection), engine);
    const ending = await ended(client);
    expect(ending.by).toBe('heartbeat');
    expect(ending.at).toBeGreaterThanOrEqual(addMs(heardAt, 300));
  });

  it('stays quiet when alive', async () => {
    const { port } = await tlsEcho();
    let answers = 0;
    const { connection } = await open(
      port,
      { mode: parseMode('heartbeat=20ms:600ms') },
      {
        onFrames: ({ count }) => (answers += count),
      },
    );
    const twoTimeouts = addMs(connection.openedAt, 1200);
    await until(() => monotonicNow() > twoTimeouts && answers > 20, SOON_MS);
    expect(connection.ending).toBeUndefined();
  });

  it.each<[string, (server: TlsServer) => unknown, string]>([
    ['a goodbye, with close_notify', ({ secured }) => secured[0]?.end(), 'FIN'],
    ['a goodbye without', ({ raw }) => raw[0]?.end(), 'FIN'],
    ['a reset', ({ raw }) => raw[0]?.resetAndDestroy(), 'ECONNRESET'],
    ['what is no TLS', ({ raw }) => raw[0]?.write('220 hello\r\n'), 'violation'],
  ])('hears %s', async (_, act, by) => {
    const server = await tlsEcho();
    let answers = 0;
    const client = await open(server.port, {}, { onFrames: ({ count }) => (answers += count) });
    // With the answer it has read the session tickets: a reset right behind data is told as FIN.
    client.connection.send(Buffer.from('hello'));
    await until(() => answers === 1, SOON_MS);
    act(server);
    expect(await ended(client)).toMatchObject({ by });
  });

  it('says goodbye with a FIN, and a reset is one', async () => {
    const server = await tlsEcho();
    const { connection: polite } = await open(server.port);
    const { connection: rude } = await open(server.port);
    await until(() => server.secured.length === 2, SOON_MS);
    const heardFrom = ({ local }: Connection) => {
      const socket = server.secured.find(({ remotePort }) => remotePort === local.port);
      if (socket === undefined) throw new Error('no such client');
      return once(socket, 'end').then(
        () => 'FIN',
        (error: unknown) => (error as NodeJS.ErrnoException).code,
      );
    };
    const endings = Promise.all([heardFrom(polite), heardFrom(rude)]);
    polite.close();
    rude.reset();
    rude.reset();
    rude.close();
    expect(await endings).toEqual(['FIN', 'ECONNRESET']);
  });

  it.skipIf(lacksDescriptorCount)('gives every descriptor back (needs Linux)', async () => {
    const { port } = await tlsEcho();
    const silent = await rawServer((socket) => socket.resume());
    await givesDescriptorsBack(async () => {
      await refused(connectTo(port, { tls: { ...trusting, ca: undefined } }));
      await refused(connectTo(silent.port, { connectTimeoutMs: 100 }));
      (await open(port)).connection.close();
      (await open(port)).connection.reset();
      await ended(await open(port, { mode: parseMode('idle-timeout=20ms') }));
    });
  });
});

describe('what TLS refuses', { timeout: TEST_MS }, () => {
  it('a certificate of somebody unknown, unless that is wanted', async () => {
    const { port } = await tlsEcho();
    const tls = { ...trusting, ca: undefined };
    const refusal = await refused(connectTo(port, { tls }));
    expect(refusal).toMatchObject({
      code: 'TLS_FAILED',
      hint: expect.stringMatching(/^--ca FILE/) as string,
    });
    const reason = 'who signed it is not known here';
    expect(refusal.message).toBe(
      `no TLS with 127.0.0.1:${port}: its certificate is not trusted: ${reason}`,
    );
    const client = await open(port, { tls: { ...tls, insecure: true } });
    expect(client.tls).toMatchObject({ subject: 'CN=localhost', problem: reason });
  });

  it('a certificate for somebody else, unless that is wanted', async () => {
    const { port } = await tlsEcho();
    const tls = { ...trusting, servername: 'example.org' };
    const refusal = await refused(connectTo(port, { tls }));
    const reason = 'it is for DNS:localhost, IP Address:127.0.0.1, and not for example.org';
    expect(refusal.message).toMatch(new RegExp(`: its certificate is not trusted: ${reason}$`));
    expect((await open(port, { tls: { ...tls, insecure: true } })).tls?.problem).toBe(reason);
  });

  it('a certificate that is signed by itself, until it is the one that is trusted', async () => {
    const { port } = await tlsEcho(selfSigned);
    const refusal = await refused(connectTo(port));
    expect(refusal.message).toMatch(/: it is signed by itself$/);
    const tls = { ...trusting, ca: selfSigned.cert };
    expect((await open(port, { tls })).tls?.problem).toBeNull();
  });

  it.each<[string, string, RegExp]>([
    ['an echo', 'echo', /: it does not speak TLS \(unexpected message\)$/],
    ['another protocol', '220 mail.example ready\r\n', /: it does not speak TLS \(/],
    ['who closes at once', '', /: it closed the connection during the handshake$/],
  ])('%s', async (_, says, told) => {
    const { port } = await rawServer((socket) => {
      if (says === 'echo') socket.pipe(socket);
      else if (says === '') socket.once('data', () => socket.end());
      else socket.write(says);
    });
    const refusal = await refused(connectTo(port));
    expect(refusal.code).toBe('TLS_FAILED');
    expect(refusal.message).toMatch(told);
    expect(refusal.hint).toMatch(/leave out --tls/);
  });

  it('who never answers, within the time', async () => {
    const { port } = await rawServer((socket) => socket.resume());
    const refusal = await refused(connectTo(port, { connectTimeoutMs: 200 }));
    expect(refusal.message).toBe(
      `no TLS with 127.0.0.1:${port}: it did not finish the handshake within 0.2s`,
    );
  });
});

const open = connectTo;

async function connectTo(
  port: number,
  options: Partial<ClientOptions> = {},
  handlers: ConnectionHandlers = {},
): Promise<Client> {
  const client = await connect(
    kernel,
    {
      ...{ remote: { address: '127.0.0.1', port }, connectTimeoutMs: SOON_MS, tls: trusting },
      ...{ mode: {}, framing: 'length16', maxFrameBytes: 1024 },
      ...options,
    },
    handlers,
  );
  onTestFinished(() => client.connection.reset());
  return client;
}
