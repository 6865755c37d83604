/** Whose connections we must never end: those that lead to whoever typed the command. */
import { addressBytes, formatAddress } from '../core/address.js';
import type { Session } from '../core/reap.js';
import type { Kernel } from '../kernel/kernel.js';

/** @param variables SSH_CONNECTION is `client-address client-port server-address server-port` (ssh(1)). */
export function ownSession(
  kernel: Kernel,
  variables: Readonly<Record<string, string | undefined>>,
): Session {
  const [address, port] = (variables['SSH_CONNECTION'] ?? '').split(' ');
  const pids = new Set<number>();
  for (let pid = process.pid; pid > 1 && !pids.has(pid);) {
    pids.add(pid);
    pid = kernel.processFacts(pid)?.parentPid ?? 0;
  }
  // As the kernel's table has it: without a zone, and never mapped into IPv6.
  const bytes = addressBytes((address ?? '').replace(/%.*$/, ''));
  const isKnown = bytes !== undefined && port !== undefined;
  return { pids, peers: isKnown ? [{ address: formatAddress(bytes), port: Number(port) }] : [] };
}
