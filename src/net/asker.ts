/** Who asks something of a server of ours, over a connection. */
import type { Endpoint } from '../core/endpoint.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';

/** Both ends of the connection, as this end has them. */
export interface Asker {
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

type SocketSight = Pick<Kernel, 'capabilities' | 'socketDiag'>;

const ROOT = 0;

/**
 * Why whoever asks may not have done what a signal to this process would do; undefined: he may. As
 * kill(2) has it he is this process's user, or root, on this host: every user can connect to loopback.
 */
export function mayNotSignal(kernel: SocketSight, asker: Asker): string | undefined {
  const user = userOf(kernel, asker);
  if (user === ROOT || user === process.getuid?.()) return undefined;
  return typeof user === 'string' ? user : `user ${user} asks, and this process is another user's`;
}

/** Or why he is not known. */
function userOf(kernel: SocketSight, { local, remote }: Asker): number | string {
  const untold = 'the kernel does not tell who asks';
  if (!kernel.capabilities.sockDiag) return untold;
  try {
    const socket = kernel.socketDiag(remote, local);
    if (socket === undefined) return 'who asks is not on this host';
    // The kernel tells user 0 of a socket that nobody holds: inet_twsk_diag_fill, before 6.16 sock_i_uid too.
    if (socket.inode === 0) return 'who asked has closed the connection since: nobody holds it';
    return socket.userId;
  } catch (error) {
    if (error instanceof KernelRefusal) return untold;
    throw error;
  }
}
