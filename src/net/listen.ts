import type { Server } from 'node:net';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import { TcpaliveError } from '../errors.js';

const BACKLOG = 4096;

export interface ListenOptions {
  /** That names another port. */
  readonly flag?: string;
  /** A listening socket that this process was started with, instead of that address. */
  readonly descriptor?: number | undefined;
}

/** @returns where it listens. @throws TcpaliveError CANNOT_LISTEN naming the port */
export function listen(
  server: Server,
  { address: host, port }: Endpoint,
  { flag = '--port', descriptor }: ListenOptions = {},
): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const isInherited = descriptor !== undefined;
      const at = isInherited ? `descriptor ${descriptor}` : formatEndpoint({ address: host, port });
      const { reason, hint } = isInherited ? NO_LISTENER : cannotListen(cause, port, flag);
      reject(
        new TcpaliveError('CANNOT_LISTEN', `cannot listen on ${at}: ${reason}`, { hint, cause }),
      );
    });
    const listening = () => {
      const { address, port } = server.address() as Endpoint;
      resolve({ address, port });
    };
    if (descriptor === undefined) server.listen({ host, port, backlog: BACKLOG }, listening);
    // Node calls listen(2) once more, and takes a backlog beside a descriptor only as an argument.
    else server.listen({ fd: descriptor }, BACKLOG, listening);
  });
}

const NO_LISTENER = {
  reason: 'it is no listening TCP socket',
  hint: 'whoever starts this with LISTEN_FDS or as a next version passes one',
};

function cannotListen({ code, message }: NodeJS.ErrnoException, port: number, flag: string) {
  const known: Readonly<Record<string, { readonly reason: string; readonly hint: string }>> = {
    EADDRINUSE: {
      reason: 'the port is in use',
      hint: `choose another with ${flag}, or see who has it: ss -tlnp 'sport = :${port}'`,
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
