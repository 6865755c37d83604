/**
 * The echo server: listens, and hands what it accepts to its sessions, which answer every frame with the
 * same frame.
 */
import { createServer, type Server } from 'node:net';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import type { ServerCounts } from '../core/server-counts.js';
import type { Kernel } from '../kernel/kernel.js';
import { TcpaliveError } from '../errors.js';
import { applyKernelMode, type Connection } from './connection.js';
import { descriptorOf } from './descriptor.js';
import type { EchoServerEvent } from './echo-event.js';
import { Sessions, type SessionsOptions } from './sessions.js';

export interface EchoServerOptions extends SessionsOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

export interface EchoServer {
  readonly address: Endpoint;
  readonly connections: ReadonlySet<Connection>;
  readonly counts: ServerCounts;
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
  const sessions = new Sessions(kernel, options, onEvent);
  const server = createServer({ noDelay: true }, (socket) => sessions.take(socket));
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
    connections: sessions.connections,
    counts: sessions.counts,
    async close() {
      // Node's server is closed before its sockets have given their descriptors back.
      const closed = new Promise((resolve) => server.close(resolve));
      await Promise.all([sessions.close(), closed]);
    },
  };
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
