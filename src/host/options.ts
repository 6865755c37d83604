/** Keepalive and user timeout of sockets that other processes hold, as far as our rights reach. */
import type { SocketOptions } from '../core/socket.js';
import type { Kernel } from '../kernel/kernel.js';
import type { OptionValues } from '../kernel/socket-view.js';
import { reach, type Reachable } from './reach.js';

/** By cookie; what is missing was refused, or is not the same socket any more. */
export function readOptions(
  kernel: Kernel,
  held: readonly Reachable[],
): ReadonlyMap<string, SocketOptions> {
  const options = new Map<string, SocketOptions>();
  for (const [{ cookie }, outcome] of reach(kernel, held, (fd) => kernel.optionsOf(fd))) {
    if (outcome.kind === 'done' && cookie !== null) options.set(cookie, outcome.value);
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
