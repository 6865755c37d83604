/** Which process holds each socket: read once. */
import type { SocketOwner } from '../core/socket.js';
import type { Kernel } from '../kernel/kernel.js';

export interface Owners {
  readonly byInode: ReadonlyMap<number, SocketOwner>;
  /** Processes that this user may not look into: what they hold has no owner here. */
  readonly hidden: number;
}

/** The process with the lowest number, where several hold one. */
export function readOwners(kernel: Kernel): Owners {
  const { numbers, hidden } = kernel.heldSockets();
  const byInode = new Map<number, SocketOwner>();
  for (let at = 0; at + 2 < numbers.length; at += 3) {
    const [pid = 0, fd = 0, inode = 0] = [numbers[at], numbers[at + 1], numbers[at + 2]];
    if (!byInode.has(inode)) byInode.set(inode, { pid, fd });
  }
  return { byInode, hidden };
}
