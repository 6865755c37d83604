/** Which process holds which socket: of tens of thousands in one go, where the kernel tells. */
import type { HeldSockets } from '../socket-view.js';
import type { Libc } from './libc.js';
import { socketsInUse } from './proc.js';
import { eachSocket, processFacts, processIds } from './processes.js';
import { iterateHeldSockets } from './task-file-iterator.js';

/** To find out how this kernel has it takes 10 ms, as long as the links of so many. */
const MANY_SOCKETS = 5000;

export function readHeldSockets(libc: Libc, sockets = allInUse()): HeldSockets {
  const numbers = sockets < MANY_SOCKETS ? undefined : tryIterating(libc);
  return numbers === undefined ? readLinks(libc) : { numbers, hidden: 0 };
}

function allInUse(): number {
  const { ipv4, ipv6 } = socketsInUse();
  return ipv4 + ipv6;
}

function tryIterating(libc: Libc): Uint32Array | undefined {
  try {
    return iterateHeldSockets(libc);
  } catch {
    // Not root, too old, built without, or locked down: the links tell the same.
    return undefined;
  }
}

function readLinks(libc: Libc): HeldSockets {
  const numbers: number[] = [];
  let hidden = 0;
  for (const pid of processIds()) {
    const isOurs = eachSocket(libc, pid, (inode, fd) => numbers.push(pid, fd, inode));
    if (!isOurs && processFacts(pid)?.isKernelThread === false) hidden++;
  }
  return { numbers: Uint32Array.from(numbers), hidden };
}
