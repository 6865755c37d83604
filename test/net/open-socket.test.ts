/** From a name to one connection: which addresses are tried, which one is used, and what is said of the others. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectFirst } from '../../src/net/connect-first.js';
import { descriptorOf } from '../../src/net/descriptor.js';
import { again, openSocket, type Opened, type OpenOptions } from '../../src/net/open-socket.js';
import { ConnectFailure, Patience } from '../../src/net/patience.js';
import { resolve } from '../../src/net/resolve.js';
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
import { closedPort, rawServer } from './raw-server.js';
import { refused } from './refused.js';

describe('a name', { timeout: TEST_MS }, () => {
  it('has addresses, of which one is used', async () => {
    const { port } = await rawServer();
    const { addresses, remote, tls } = await open({ remote: { address: 'localhost', port } });
    expect(addresses).toContain('127.0.0.1');
    expect(remote).toEqual({ address: '127.0.0.1', port });
    expect(tls).toBeNull();
  });

  it('that is an address is the only one', async () => {
    const { port } = await rawServer();
    const { addresses } = await open({ remote: { address: '127.0.0.1', port } });
    expect(addresses).toEqual(['127.0.0.1']);
  });

  it('is tried again at the address that was used, and stays what a certificate must be for', () => {
    const tls = { servername: undefined, ca: undefined, insecure: false };
    const options = { remote: { address: 'example.org', port: 443 }, connectTimeoutMs: 1, tls };
    const remote = { address: '192.0.2.1', port: 443 };
    expect(again(options, { remote })).toEqual({
      ...{ remote, connectTimeoutMs: 1, tls: { ...tls, servername: 'example.org' } },
    });
    const named = { ...options, tls: { ...tls, servername: 'other.example' } };
    expect(again(named, { remote }).tls).toEqual(named.tls);
  });

  it('without an address of the family that is wanted is refused with those it has', async () => {
    const failure = await failed((patience) => resolve('127.0.0.1', 6, patience));
    expect(failure.message).toBe('it has no IPv6 address, only 127.0.0.1');
    expect(failure.options.hint).toBe('leave out -6');
  });

  it('that does not exist is refused', async () => {
    // An empty label is no name (RFC 1035 section 3.1): nobody is asked for it.
    const refusal = await refused(open({ remote: { address: 'no..host', port: 1 } }));
    expect(refusal).toMatchObject({ code: 'UNREACHABLE', cause: { code: 'ENOTFOUND' } });
    expect(refusal.message).toBe('cannot connect to no..host:1: no such host');
    expect(refusal.hint).toMatch(/spelled right/);
  });
});

describe('of several addresses', { timeout: TEST_MS }, () => {
  it('the first that connects is used: the next is tried when one refuses', async () => {
    const { port } = await rawServer();
    const { address } = await first(['127.0.0.9', '127.0.0.1', '127.0.0.8'], port);
    expect(address).toBe('127.0.0.1');
  });

  it.skipIf(lacksEngine || lacks('tcpInfo'))(
    'and soon while one is silent, which then gives its descriptor back (needs socketFilter or minTtl, tcpInfo)',
    async () => {
      const { port } = await rawServer();
      await silentAt('127.0.0.7', port);
      await givesDescriptorsBack(async () => {
        const { address, socket } = await first(['127.0.0.7', '127.0.0.1'], port);
        expect(address).toBe('127.0.0.1');
        socket.destroy();
      });
    },
  );

  it.skipIf(lacksEngine || lacks('tcpInfo'))(
    'each is named with its reason, and with the SYNs that were not answered (needs socketFilter or minTtl, tcpInfo)',
    async () => {
      const port = await closedPort();
      await silentAt('127.0.0.7', port);
      const failure = await failed(
        (patience) => connectFirst(kernel, ['127.0.0.9', '127.0.0.7'], port, patience),
        1500,
      );
      // The kernel sends it again after a second.
      expect(failure.message).toMatch(
        /^127\.0\.0\.9: connection refused; 127\.0\.0\.7: no answer to [2-9] SYNs within 1\.5s$/,
      );
    },
  );

  it.skipIf(lacksDescriptorCount)(
    'that all refuse none holds a descriptor (needs Linux)',
    async () => {
      const port = await closedPort();
      await givesDescriptorsBack(async () => {
        const failure = await failed((patience) =>
          connectFirst(kernel, ['127.0.0.9', '127.0.0.8'], port, patience),
        );
        expect(failure.message).toBe(
          '127.0.0.9: connection refused; 127.0.0.8: connection refused',
        );
      });
    },
  );
});

async function open(options: Pick<OpenOptions, 'remote' | 'family'>): Promise<Opened> {
  const opened = await openSocket(kernel, { connectTimeoutMs: SOON_MS, ...options });
  onTestFinished(() => void opened.socket.destroy());
  return opened;
}

async function first(addresses: readonly string[], port: number): ReturnType<typeof connectFirst> {
  const patience = new Patience(SOON_MS, undefined);
  try {
    const connected = await connectFirst(kernel, addresses, port, patience);
    onTestFinished(() => void connected.socket.destroy());
    return connected;
  } finally {
    patience.end();
  }
}

async function failed(
  attempt: (patience: Patience) => Promise<unknown>,
  limitMs = SOON_MS,
): Promise<ConnectFailure> {
  const patience = new Patience(limitMs, undefined);
  try {
    await attempt(patience);
  } catch (error) {
    if (error instanceof ConnectFailure) return error;
    throw error;
  } finally {
    patience.end();
  }
  throw new Error('nothing was refused');
}

/** A listener at that address of this host that no SYN gets through to. */
async function silentAt(address: string, port: number): Promise<void> {
  const server = createServer().listen(port, address);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const fd = descriptorOf(server);
  if (fd === undefined) throw new Error('no descriptor');
  kernel.cut(fd, engine);
}
