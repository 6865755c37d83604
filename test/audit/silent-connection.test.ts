import { once } from 'node:events';
import { expect, it } from 'vitest';
import { SilentConnection } from '../../src/audit/silent-connection.js';
import { openSocket } from '../../src/net/open-socket.js';
import { certificates, tlsEcho } from '../net/tls-server.js';
import { kernel, lacks, SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';

it.skipIf(lacks('tcpInfo'))(
  'where a goodbye would not arrive it is reset, under TLS too (needs tcpInfo)',
  async () => {
    const { port, secured } = await tlsEcho();
    const { socket } = await openSocket(kernel, {
      remote: { address: '127.0.0.1', port },
      connectTimeoutMs: SOON_MS,
      tls: { servername: 'localhost', ca: certificates().ca, insecure: false },
    });
    const connection = new SilentConnection(kernel, socket);
    await until(() => secured.length === 1, SOON_MS);
    const ended = Promise.all(secured.map((server) => once(server, 'end')));
    connection.close(true);
    connection.close(true);
    await expect(ended).rejects.toMatchObject({ code: 'ECONNRESET' });
  },
  TEST_MS,
);
