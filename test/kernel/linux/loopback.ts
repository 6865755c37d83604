import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Endpoint } from '../../../src/core/endpoint.js';
import { descriptorOf } from '../../../src/net/descriptor.js';

/** One end of a real connection. */
export interface RealEnd {
  readonly socket: Socket;
  readonly fd: number;
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

export interface Pair {
  /** The accepted end. */
  readonly observer: RealEnd;
  readonly peer: RealEnd;
}

/** A connection to ourselves, gone when the test is over, both ends at one address. @param host to listen on */
export async function openPair(host = '127.0.0.1', connectTo = host): Promise<Pair> {
  const server = createServer();
  onTestFinished(() => void server.close());
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const peer = connect({ port: address.port, host: connectTo, localAddress: connectTo });
  await once(peer, 'connect');
  return { observer: end(await accepted), peer: end(peer) };
}

function end(socket: Socket): RealEnd {
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined); // some tests let the kernel give it up
  const fd = descriptorOf(socket);
  if (fd === undefined) throw new Error('no descriptor');
  const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket;
  return {
    socket,
    fd,
    local: { address: localAddress, port: localPort },
    remote: { address: remoteAddress, port: remotePort },
  };
}
