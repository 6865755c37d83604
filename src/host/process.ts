/** A process that somebody named by its number. */
import { TcpaliveError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';

/** @throws TcpaliveError NO_TARGET where there is none that could hold sockets, NO_CAPABILITY where we may not look */
export function requireProcess(kernel: Kernel, pid: number): void {
  const facts = kernel.processFacts(pid);
  if (facts === undefined) {
    throw new TcpaliveError('NO_TARGET', `there is no process ${pid}`, {
      hint: 'tcpalive ls shows those that hold connections',
    });
  }
  if (facts.isKernelThread) {
    throw new TcpaliveError(
      'NO_TARGET',
      `process ${pid} (${facts.name}) is a thread of the kernel: it holds no sockets`,
    );
  }
  if (!kernel.eachSocket(pid, () => undefined)) {
    throw new TcpaliveError(
      'NO_CAPABILITY',
      `process ${pid} (${facts.name}) may not be looked into by this user`,
      { hint: 'its own user may, and root: sudo tcpalive ...' },
    );
  }
}
