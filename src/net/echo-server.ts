/**
 * The echo server: answers every frame with the same frame. It knows modes and bounds, and what a
 * stranger may cost: one frame per decoder, a bounded queue of delayed replies, and no connection
 * beyond `maxConnections`.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { detectorFor, type Detector } from '../core/detector.js';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import type { FrameTimeouts } from '../core/frame-deadlines.js';
import { codec, type Codec, type Framing } from '../core/frame.js';
import type { Mode } from '../core/mode.js';
import type { Instant } from '../core/time.js';
import type { Kernel } from '../kernel/kernel.js';
import { TcpaliveError } from '../errors.js';
import { applyKernelMode, Connection, type ConnectionHandlers, type Ending } from './connection.js';
import { DelayedReplies } from './delayed-replies.js';
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
  readonly frameTimeouts?: FrameTimeouts;
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
  /** A frame whose delayed reply found no more room. */
  | { readonly kind: 'unanswered'; readonly id: number; readonly connection: Connection }
  | { readonly kind: 'closed'; readonly id: number; readonly connection: Connection }
  | { readonly kind: 'refused'; readonly remote: Endpoint; readonly reason: string };

export interface EchoServer {
  readonly address: Endpoint;
  readonly connections: ReadonlySet<Connection>;
  /** Resets every connection, stops listening, and resolves when all descriptors are given back. */
  close(): Promise<void>;
}

const BACKLOG = 4096;

/** @throws TcpaliveError CANNOT_LISTEN naming the port; NO_CAPABILITY when the mode cannot be had. */
export async function startEchoServer(
  kernel: Kernel,
  options: EchoServerOptions,
  onEvent: (event: EchoServerEvent) => void,
): Promise<EchoServer> {
  const connections = new Set<Connection>();
  let ids = 0;
  let emptied: () => void = () => undefined;
  const room: Room = {
    replyDelayMs: options.replyDelayMs,
    codec: codec(options.framing, options.maxFrameBytes),
    detector: (now) =>
      detectorFor(options.mode, 'answers', now, options.silentAfterMs, options.frameTimeouts),
    onEvent,
    onClosed(connection) {
      connections.delete(connection);
      if (connections.size === 0) emptied();
    },
  };

  function accept(socket: Socket): void {
    if (socket.remoteAddress === undefined) {
      socket.destroy(); // it was gone before we came to it
      return;
    }
    if (connections.size >= options.maxConnections) {
      refuse(socket, 'as many connections as allowed are open (--max-connections)');
      return;
    }
    let settings: Mode;
    try {
      settings = applyKernelMode(kernel, descriptorOf(socket), options.mode);
    } catch (error) {
      if (!(error instanceof TcpaliveError)) throw error;
      refuse(socket, error.message);
      return;
    }
    const id = ++ids;
    const { connection } = new Served(socket, id, room);
    connections.add(connection);
    onEvent({ kind: 'opened', id, connection, settings });
  }

  function refuse(socket: Socket, reason: string): void {
    const { remoteAddress = '', remotePort = 0 } = socket;
    socket.on('error', () => undefined); // it is gone either way
    socket.resetAndDestroy();
    onEvent({ kind: 'refused', remote: { address: remoteAddress, port: remotePort }, reason });
  }

  const server = createServer({ noDelay: true }, accept);
  await listen(server, options);
  try {
    applyKernelMode(kernel, descriptorOf(server), options.mode);
  } catch (error) {
    server.close();
    throw error;
  }
  const { address, port } = server.address() as { address: string; port: number };
  return {
    address: { address, port },
    connections,
    async close() {
      // Node's server is closed before its sockets have given their descriptors back.
      const empty = new Promise<void>((resolve) => {
        emptied = resolve;
        if (connections.size === 0) resolve();
      });
      const closed = new Promise((resolve) => server.close(resolve));
      for (const connection of connections) connection.reset();
      await Promise.all([empty, closed]);
    },
  };
}

/** What all connections of a server share. */
interface Room {
  readonly replyDelayMs: number;
  readonly codec: Codec;
  readonly detector: (now: Instant) => Detector;
  readonly onEvent: (event: EchoServerEvent) => void;
  onClosed(connection: Connection): void;
}

/** One connection: an object and no closures, as there may be tens of thousands. */
class Served implements ConnectionHandlers {
  readonly connection: Connection;
  readonly #id: number;
  readonly #room: Room;
  readonly #later: DelayedReplies | undefined;

  constructor(socket: Socket, id: number, room: Room) {
    this.#id = id;
    this.#room = room;
    const { replyDelayMs, codec, detector } = room;
    this.connection = new Connection(socket, { codec, detector, handlers: this });
    if (replyDelayMs > 0) {
      this.#later = new DelayedReplies(replyDelayMs, (payload) => this.connection.send(payload));
    }
  }

  onFrame(payload: Uint8Array, at: Instant): void {
    this.#room.onEvent({ kind: 'frame', id: this.#id, connection: this.connection, payload, at });
    if (this.#later === undefined) this.connection.send(payload);
    else if (!this.#later.add(payload)) {
      this.#room.onEvent({ kind: 'unanswered', id: this.#id, connection: this.connection });
    }
  }

  onSilent(silentMs: number): void {
    this.#room.onEvent({ kind: 'silent', id: this.#id, connection: this.connection, silentMs });
  }

  onEnd(ending: Ending): void {
    this.#room.onEvent({ kind: 'ended', id: this.#id, connection: this.connection, ending });
  }

  onClosed(): void {
    this.#later?.clear();
    this.#room.onClosed(this.connection);
    this.#room.onEvent({ kind: 'closed', id: this.#id, connection: this.connection });
  }
}

function listen(server: Server, { host, port }: EchoServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const at = formatEndpoint({ address: host, port });
      const { reason, hint } = cannotListen(cause, port);
      reject(
        new TcpaliveError('CANNOT_LISTEN', `cannot listen on ${at}: ${reason}`, { hint, cause }),
      );
    });
    server.listen({ host, port, backlog: BACKLOG }, resolve);
  });
}

function cannotListen({ code, message }: NodeJS.ErrnoException, port: number) {
  const known: Readonly<Record<string, { readonly reason: string; readonly hint: string }>> = {
    EADDRINUSE: {
      reason: 'the port is in use',
      hint: `choose another with --port, or see who has it: ss -tlnp 'sport = :${port}'`,
    },
    EACCES: { reason: 'this user may not listen on it', hint: 'choose a port from 1024 up' },
    EADDRNOTAVAIL: {
      reason: 'the address is not on this host',
      hint: 'see which addresses are: ip address',
    },
    ENOTFOUND: { reason: 'no such host', hint: 'name an address of this host, such as 127.0.0.1' },
  };
  const other = { reason: message, hint: 'it takes an address of this host and a free port' };
  return known[code ?? ''] ?? other;
}
