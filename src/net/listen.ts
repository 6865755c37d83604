import type { Server } from 'node:net';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import { TcpaliveError } from '../errors.js';

const BACKLOG = 4096;

/**
 * @param flag that names another port
 * @returns where it listens
 * @throws TcpaliveError CANNOT_LISTEN naming the port
 */
export function listen(
  server: Server,
  { address: host, port }: Endpoint,
  flag = '--port',
): Promise<Endpoint> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const at = formatEndpoint({ address: host, port });
      const { reason, hint } = cannotListen(cause, port, flag);
      reject(
        new TcpaliveError('CANNOT_LISTEN', `cannot listen on ${at}: ${reason}`, { hint, cause }),
      );
    });
    server.listen({ host, port, backlog: BACKLOG }, () => {
      const { address, port } = server.address() as Endpoint;
      resolve({ address, port });
    });
  });
}

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
