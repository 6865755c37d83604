/**
 * A small HTTP server for those who look after another one: it reads no body, holds few connections and
 * those for seconds, and answers from what it is given. It must not know what that says.
 */
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { once } from 'node:events';
import { pipeline, type Readable } from 'node:stream';
import type { Endpoint } from '../core/endpoint.js';
import { pageCouldSend } from '../core/web-page.js';
import type { Asker } from './asker.js';
import { descriptorOf } from './descriptor.js';
import { listen } from './listen.js';

export interface Answer {
  readonly status: number;
  readonly type: string;
  /** A stream where it is not all known yet. */
  readonly body: string | Readable;
}

export interface Resource {
  /** POST: it changes something, and no web page in a browser on this host may ask for it. */
  readonly method: 'GET' | 'POST';
  answer(asker: Asker): Promise<Answer>;
}

export interface StatusServer {
  readonly address: Endpoint;
  /** Of the listening socket; undefined once it is closed. */
  readonly descriptor: number | undefined;
  /**
   * Nobody can connect any more, and who has is answered, in a second at most. Resolves when no
   * connection is left. Idempotent.
   */
  close(): Promise<void>;
}

export interface StatusServerOptions {
  /** A listening socket that this process was started with, instead of that address. */
  readonly descriptor?: number | undefined;
  /** What an answer threw. Whoever asked is told that it is a bug; whoever is served loses nothing by it. */
  readonly onBug: (error: unknown) => void;
}

/** Of the descriptors that are kept apart for it. */
const MOST_CONNECTIONS = 16;

const MOST_HEADER_BYTES = 8192;

/** For a request, and for the next one on the same connection. */
const PATIENCE_MS = 5000;

/** For the answers that are under way when it is closed. */
const LAST_ANSWERS_MS = 1000;

/**
 * @param resources by their path
 * @throws TcpaliveError CANNOT_LISTEN
 */
export async function startStatusServer(
  at: Endpoint,
  resources: Readonly<Record<string, Resource>>,
  { descriptor, onBug }: StatusServerOptions,
): Promise<StatusServer> {
  const server = createServer(
    {
      maxHeaderSize: MOST_HEADER_BYTES,
      headersTimeout: PATIENCE_MS,
      requestTimeout: PATIENCE_MS,
      keepAliveTimeout: PATIENCE_MS,
      connectionsCheckingInterval: PATIENCE_MS / 5,
    },
    answering(resources, at.address, onBug),
  );
  server.maxConnections = MOST_CONNECTIONS;
  const address = await listen(server, at, { flag: '--status', descriptor });
  let closed: Promise<void> | undefined;
  return {
    address,
    get descriptor() {
      return descriptorOf(server);
    },
    close: () => (closed ??= closeInOrder(server)),
  };
}

/** Those that are idle go at once. */
async function closeInOrder(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const timer = setTimeout(() => server.closeAllConnections(), LAST_ANSWERS_MS);
  await closed;
  clearTimeout(timer);
}

/** @param ownName that it was told to listen on */
function answering(
  resources: Readonly<Record<string, Resource>>,
  ownName: string,
  onBug: StatusServerOptions['onBug'],
): RequestListener {
  return (request, response) => {
    request.resume(); // whatever it says beside its head
    const [path = ''] = (request.url ?? '').split('?');
    const resource = Object.hasOwn(resources, path) ? resources[path] : undefined;
    const asked = request.method === 'HEAD' ? 'GET' : request.method;
    const asker = askerOf(request);
    if (resource === undefined) {
      send(response, text(404, `there is: ${Object.keys(resources).join(', ')}`));
    } else if (asked !== resource.method) {
      response.setHeader('Allow', resource.method);
      send(response, text(405, `only ${resource.method}`));
    } else if (asked === 'POST' && pageCouldSend(request.headers, ownName)) {
      send(response, text(403, BY_A_PAGE));
    } else if (asker !== undefined) {
      // A bug may come before the promise.
      new Promise<Answer>((resolve) => resolve(resource.answer(asker))).then(
        (answer) => send(response, answer),
        (error: unknown) => {
          send(response, text(500, 'a bug'));
          onBug(error);
        },
      );
    }
  };
}

/** Undefined: he is gone. */
function askerOf({ socket }: IncomingMessage): Asker | undefined {
  const { localAddress, localPort, remoteAddress, remotePort } = socket;
  if (localAddress === undefined || localPort === undefined) return undefined;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  return {
    local: { address: localAddress, port: localPort },
    remote: { address: remoteAddress, port: remotePort },
  };
}

const BY_A_PAGE =
  'a web page could have sent this: it takes a header Tcpalive, whatever it says, and as Host an address, ' +
  'localhost or the name in --status';

function text(status: number, line: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body: `${line}\n` };
}

/** By this a client knows whom it asks. */
export const SERVER_NAME = 'tcpalive';

function send(response: ServerResponse, { status, type, body }: Answer): void {
  const headers = {
    'Content-Type': type,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    Server: SERVER_NAME,
  };
  if (typeof body === 'string') {
    response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) });
    response.end(body); // which sends no body where only the head was asked for
  } else {
    response.writeHead(status, { ...headers, Connection: 'close' });
    response.flushHeaders();
    pipeline(body, response, () => undefined); // who asked may be gone before its end
  }
}
