import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import { descriptorOf } from '../../src/net/descriptor.js';

export interface RawServer {
  readonly port: number;
  readonly fd: number;
  /** In the order in which they came, those that have gone included. */
  readonly accepted: readonly Socket[];
  /** Whoever is in stays in. */
  readonly stopListening: () => void;
}

/** A server that is not ours, gone with all its connections when the test is over. */
export async function rawServer(
  onConnection: (socket: Socket, number: number) => unknown = () => undefined,
): Promise<RawServer> {
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined); // a client may reset it
    onConnection(socket, accepted.push(socket));
  });
  onTestFinished(() => {
    server.close();
    for (const socket of accepted) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const fd = descriptorOf(server);
  if (fd === undefined) throw new Error('no descriptor');
  return { port: portOf(server), fd, accepted, stopListening: () => void server.close() };
}

/** Where nobody listens: where somebody just did. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return port;
}

function portOf(server: Server): number {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
