/** Which process holds each socket: /proc read once. */
import type { SocketOwner } from '../core/socket.js';
import type { Kernel } from '../kernel/kernel.js';

export interface Owners {
  readonly byInode: ReadonlyMap<number, SocketOwner>;
  /** Processes that this user may not look into: what they hold has no owner here. */
  readonly hidden: number;
}

/** The process with the lowest number, where several hold one. */
export function readOwners(kernel: Kernel): Owners {
  const byInode = new Map<number, SocketOwner>();
  let hidden = 0;
  for (const pid of kernel.processIds()) {
    const isOurs = kernel.eachSocket(pid, (inode, fd) => {
      if (!byInode.has(inode)) byInode.set(inode, { pid, fd });
    });
    if (!isOurs && kernel.processFacts(pid)?.isKernelThread === false) hidden++;
  }
  return { byInode, hidden };
}
