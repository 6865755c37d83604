/**
 * A small HTTP server for those who look after another one: it reads no body, holds few connections and
 * those for seconds, and answers from what it is given. It must not know what that says.
 */
import { createServer, type RequestListener, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { Endpoint } from '../core/endpoint.js';
import { descriptorOf } from './descriptor.js';
import { listen } from './listen.js';

export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

export interface Resource {
  readonly method: 'GET' | 'POST';
  answer(): Promise<Answer>;
}

export interface StatusServer {
  readonly address: Endpoint;
  /** Of the listening socket; undefined once it is closed. */
  readonly descriptor: number | undefined;
  close(): Promise<void>;
}

/** Of the descriptors that are kept apart for it. */
const MOST_CONNECTIONS = 16;

const MOST_HEADER_BYTES = 8192;

/** For a request, and for the next one on the same connection. */
const PATIENCE_MS = 5000;

/**
 * @param resources by their path
 * @param descriptor a listening socket that this process was started with, instead of that address
 * @throws TcpaliveError CANNOT_LISTEN
 */
export async function startStatusServer(
  at: Endpoint,
  resources: Readonly<Record<string, Resource>>,
  descriptor?: number,
): Promise<StatusServer> {
  const server = createServer(
    {
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: PATIENCE_MS,
      requestTimeout: PATIENCE_MS,
      keepAliveTimeout: PATIENCE_MS,
      connectionsCheckingInterval: PATIENCE_MS / 5,
    },
    answering(resources),
  );
  server.maxConnections = MOST_CONNECTIONS;
  const address = await listen(server, at, { flag: '--status', descriptor });
  return {
    address,
    get descriptor() {
      return descriptorOf(server);
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function answering(resources: Readonly<Record<string, Resource>>): RequestListener {
  return (request, response) => {
    request.resume(); // whatever it says beside its head
    const [path = ''] = (request.url ?? '').split('?');
    const resource = Object.hasOwn(resources, path) ? resources[path] : undefined;
    const asked = request.method === 'HEAD' ? 'GET' : request.method;
    if (resource === undefined) {
      const known = Object.keys(resources).join(', ');
      send(response, { status: 404, type: TEXT, body: `there is: ${known}\n` });
    } else if (asked !== resource.method) {
      response.setHeader('Allow', resource.method);
      send(response, { status: 405, type: TEXT, body: `only ${resource.method}\n` });
    } else {
      resource.answer().then(
        (answer) => send(response, answer),
        (error: unknown) => {
          send(response, { status: 500, type: TEXT, body: 'a bug\n' });
          throw error;
        },
      );
    }
  };
}

const TEXT = 'text/plain; charset=utf-8';

function send(response: ServerResponse, { status, type, body }: Answer): void {
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  });
  response.end(body); // which sends no body where only the head was asked for
}
