/**
 * The echo server: listens, and hands what it accepts to its sessions, which answer every frame with the
 * same frame.
 */
import { createServer } from 'node:net';
import type { Endpoint } from '../core/endpoint.js';
import type { AcceptHealth } from '../core/serve-status.js';
import type { Kernel } from '../kernel/kernel.js';
import { Canary } from './canary.js';
import { applyKernelMode, type Connection } from './connection.js';
import { descriptorOf } from './descriptor.js';
import type { EchoServerEvent } from './echo-event.js';
import { listen } from './listen.js';
import type { Watched } from './self-watch.js';
import { Sessions, type SessionsOptions } from './sessions.js';

export interface EchoServerOptions extends SessionsOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Find out whether whoever connects is accepted, while no other process accepts there: it says that. */
  readonly watchAccept?: (() => boolean) | undefined;
  /** A listening socket that this process was started with, instead of them. */
  readonly descriptor?: number | undefined;
}

export interface EchoServer extends Watched {
  readonly address: Endpoint;
  /** Of the listening socket; undefined once nobody can connect any more. */
  readonly descriptor: number | undefined;
  readonly connections: ReadonlySet<Connection>;
  /** So many connections as are answered next are told goodbye with that; instead of what was said before. */
  concludeWithAnswers(count: number): void;
  /** Nobody can connect any more; whoever is there stays. Idempotent. */
  stopListening(): void;
  /** Resets every connection, stops listening, and resolves when all descriptors are given back. */
  close(): Promise<void>;
}

const UNWATCHED: AcceptHealth = { kind: 'unknown', reason: null, failures: 0 };

/** @throws TcpaliveError CANNOT_LISTEN naming the port; NO_CAPABILITY when the mode cannot be had. */
export async function startEchoServer(
  kernel: Kernel,
  options: EchoServerOptions,
  onEvent: (event: EchoServerEvent) => void,
): Promise<EchoServer> {
  const sessions = new Sessions(kernel, options, onEvent);
  let canary: Canary | undefined;
  const server = createServer({ noDelay: true }, (socket) => {
    if (canary?.takes(socket) !== true) sessions.take(socket);
  });
  const { host, port, descriptor } = options;
  const address = await listen(server, { address: host, port }, { descriptor });
  try {
    applyKernelMode(kernel, descriptorOf(server), options.mode);
  } catch (error) {
    server.close();
    throw error;
  }
  if (options.watchAccept !== undefined) {
    const onChange = (health: AcceptHealth) => onEvent({ kind: 'accept', health });
    canary = new Canary(address, onChange, options.watchAccept);
  }
  return {
    address,
    get descriptor() {
      return descriptorOf(server);
    },
    connections: sessions.connections,
    counts: sessions.counts,
    get accept() {
      return canary?.health ?? UNWATCHED;
    },
    survey: (now) => sessions.survey(now),
    concludeWithAnswers: (count) => sessions.concludeWithAnswers(count),
    stopListening() {
      canary?.close();
      server.close();
    },
    async close() {
      canary?.close();
      // Node's server is closed before its sockets have given their descriptors back.
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.all([sessions.close(), closed]);
    },
  };
}
