/** Keepalive and user timeout of sockets that other processes hold, as far as our rights reach. */
import type { HostSocket, SocketOptions } from '../core/socket.js';
import type { Kernel } from '../kernel/kernel.js';
import type { OptionValues } from '../kernel/socket-view.js';
import { reach } from './reach.js';

/** A socket and where it is held. */
export interface HeldSocket {
  readonly socket: HostSocket;
  readonly pid: number;
  readonly fd: number;
}

/** By socket; what is missing was refused, or is not the same socket any more. */
export function readOptions(
  kernel: Kernel,
  held: readonly HeldSocket[],
): ReadonlyMap<HostSocket, SocketOptions> {
  const options = new Map<HostSocket, SocketOptions>();
  const reachable = held.map(({ socket, pid, fd }) => ({ socket, pid, fd, cookie: socket.cookie }));
  for (const [{ socket }, outcome] of reach(kernel, reachable, (fd) => kernel.optionsOf(fd))) {
    if (outcome.kind === 'done') options.set(socket, outcome.value);
  }
  return options;
}

/** Of all five values those that are in force. */
export function optionsFrom(
  values: OptionValues,
): SocketOptions & Pick<OptionValues, 'userTimeoutMs'> {
  const { keepalive, userTimeoutMs, idleSeconds, intervalSeconds, count } = values;
  return {
    keepalive: keepalive ? { kind: 'known', idleSeconds, intervalSeconds, count } : { kind: 'off' },
    userTimeoutMs,
  };
}
