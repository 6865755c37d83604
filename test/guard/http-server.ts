import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

export interface TestHttpServer {
  readonly origin: string;
  /** `GET /path`, in the order in which they came. */
  readonly requests: readonly string[];
  /** Those that are open now. */
  readonly connections: ReadonlySet<unknown>;
}

/** Gone with all its connections when the test is over. */
export async function httpServer(answer: RequestListener): Promise<TestHttpServer> {
  const requests: string[] = [];
  const connections = new Set<unknown>();
  const server = createServer((request, response) => {
    requests.push(`${request.method ?? ''} ${request.url ?? ''}`);
    answer(request, response);
  });
  server.on('connection', (socket) => {
    connections.add(socket);
    socket.on('error', () => undefined); // a client may reset it
    socket.on('close', () => connections.delete(socket));
  });
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, requests, connections };
}
