/**
 * The echo server: answers every frame with the same frame. It knows modes and bounds, and what a
 * stranger may cost: one frame per decoder, `PENDING_REPLY_BYTES` of delayed replies, and no
 * connection beyond `maxConnections`.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { detectorFor } from '../core/detector.js';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import { codec, type Framing } from '../core/frame.js';
import type { Mode } from '../core/mode.js';
import type { Instant } from '../core/time.js';
import type { Kernel } from '../kernel/kernel.js';
import { TcpaliveError } from '../errors.js';
import { applyKernelMode, Connection, type Ending } from './connection.js';
import { descriptorOf } from './descriptor.js';

export interface EchoServerOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  readonly mode: Mode;
  readonly framing: Framing;
  readonly maxFrameBytes: number;
  readonly maxConnections: number;
  readonly replyDelayMs: number;
  /** Report a silence this long; undefined: do not. */
  readonly silentAfterMs?: number;
}

export type EchoServerEvent =
  | {
      readonly kind: 'opened';
      readonly id: number;
      readonly connection: Connection;
      /** The kernel's part of the mode, as read back from this socket. */
      readonly settings: Mode;
    }
  | {
      readonly kind: 'frame';
      readonly id: number;
      readonly connection: Connection;
      readonly payload: Uint8Array;
      readonly at: Instant;
    }
  | {
      readonly kind: 'silent';
      readonly id: number;
      readonly connection: Connection;
      readonly silentMs: number;
    }
  | {
      readonly kind: 'ended';
      readonly id: number;
      readonly connection: Connection;
      readonly ending: Ending;
    }
  | { readonly kind: 'closed'; readonly id: number; readonly connection: Connection }
  | { readonly kind: 'refused'; readonly remote: Endpoint };

export interface EchoServer {
  readonly address: Endpoint;
  readonly connections: ReadonlySet<Connection>;
  /** Resets every connection, stops listening, and resolves when all descriptors are given back. */
  close(): Promise<void>;
}

/** A stranger cannot make us hold more than this for later. */
const PENDING_REPLY_BYTES = 256 * 1024;

const BACKLOG = 4096;

/** @throws TcpaliveError CANNOT_LISTEN naming the port; NO_CAPABILITY when the mode cannot be had. */
export async function startEchoServer(
  kernel: Kernel,
  options: EchoServerOptions,
  onEvent: (event: EchoServerEvent) => void,
): Promise<EchoServer> {
  const frames = codec(options.framing, options.maxFrameBytes);
  const connections = new Set<Connection>();
  let ids = 0;

  function accept(socket: Socket): void {
    const descriptor = descriptorOf(socket);
    if (connections.size >= options.maxConnections || descriptor === undefined) {
      const { remoteAddress = '', remotePort = 0 } = socket;
      socket.on('error', () => undefined); // it is gone either way
      socket.resetAndDestroy();
      onEvent({ kind: 'refused', remote: { address: remoteAddress, port: remotePort } });
      return;
    }
    const settings = applyKernelMode(kernel, descriptor, options.mode);
    const id = ++ids;
    const reply = replier(options.replyDelayMs);
    const connection = new Connection(socket, {
      codec: frames,
      detector: (now) => detectorFor(options.mode, 'answers', now, options.silentAfterMs),
      handlers: {
        onFrame(payload, at) {
          onEvent({ kind: 'frame', id, connection, payload, at });
          reply(connection, payload);
        },
        onSilent: (silentMs) => onEvent({ kind: 'silent', id, connection, silentMs }),
        onEnd: (ending) => onEvent({ kind: 'ended', id, connection, ending }),
        onClosed: () => {
          connections.delete(connection);
          onEvent({ kind: 'closed', id, connection });
        },
      },
    });
    connections.add(connection);
    onEvent({ kind: 'opened', id, connection, settings });
  }

  const server = createServer({ noDelay: true }, accept);
  await listen(server, options);
  const descriptor = descriptorOf(server);
  try {
    if (descriptor !== undefined) applyKernelMode(kernel, descriptor, options.mode);
  } catch (error) {
    server.close();
    throw error;
  }
  const { address, port } = server.address() as { address: string; port: number };
  return {
    address: { address, port },
    connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.reset();
      }),
  };
}

/** Echoes at once, or after the delay; frames beyond the bound are not answered. */
function replier(delayMs: number): (connection: Connection, payload: Uint8Array) => void {
  if (delayMs === 0) return (connection, payload) => connection.send(payload);
  let pendingBytes = 0;
  return (connection, payload) => {
    const bytes = payload.length + 2;
    if (pendingBytes + bytes > PENDING_REPLY_BYTES) return;
    pendingBytes += bytes;
    setTimeout(() => {
      pendingBytes -= bytes;
      connection.send(payload);
    }, delayMs).unref();
  };
}

function listen(server: Server, { host, port }: EchoServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reasons: Readonly<Record<string, string>> = {
        EADDRINUSE: 'the port is in use',
        EACCES: 'this user may not listen on it',
        EADDRNOTAVAIL: 'the address is not on this host',
      };
      const reason = reasons[cause.code ?? ''] ?? cause.message;
      reject(
        new TcpaliveError(
          'CANNOT_LISTEN',
          `cannot listen on ${formatEndpoint({ address: host, port })}: ${reason}`,
          {
            hint: `choose another with --port, or see who has it: ss -tlnp 'sport = :${port}'`,
            cause,
          },
        ),
      );
    });
    server.listen({ host, port, backlog: BACKLOG }, resolve);
  });
}
