/** Keepalive and user timeout of sockets that other processes hold, as far as our rights reach. */
import { keepaliveFromTimer, type HostSocket, type SocketOptions } from '../core/socket.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { Borrow, OptionValues } from '../kernel/socket-view.js';

/** A socket and where it is held. */
export interface HeldSocket {
  readonly socket: HostSocket;
  readonly pid: number;
  readonly fd: number;
}

/** What is told of a socket that was not read, and of one that cannot be. */
export function unreadOptions(socket: HostSocket, reason: string): SocketOptions {
  return { keepalive: keepaliveFromTimer(socket, reason), userTimeoutMs: null };
}

/** By socket; what is missing was refused, or is not the same socket any more. */
export function readOptions(
  kernel: Kernel,
  held: readonly HeldSocket[],
): ReadonlyMap<HostSocket, SocketOptions> {
  const options = new Map<HostSocket, SocketOptions>();
  for (const [pid, sockets] of byProcess(held)) {
    try {
      kernel.withProcess(pid, (borrow) => {
        for (const each of sockets) {
          const values = withSocket(kernel, borrow, each, (fd) => kernel.optionValues(fd));
          if (values !== undefined) options.set(each.socket, optionsFrom(values));
        }
      });
    } catch (error) {
      if (!(error instanceof KernelRefusal)) throw error;
    }
  }
  return options;
}

/** Runs `use` on a duplicate of exactly that socket; undefined: it is gone, or another has its number. */
export function withSocket<T>(
  kernel: Kernel,
  borrow: Borrow,
  { socket, fd }: Pick<HeldSocket, 'socket' | 'fd'>,
  use: (duplicate: number) => T,
): T | undefined {
  try {
    return borrow(fd, (duplicate) =>
      kernel.cookie(duplicate) === socket.cookie ? use(duplicate) : undefined,
    );
  } catch (error) {
    if (error instanceof KernelRefusal) return undefined;
    throw error;
  }
}

export function byProcess<T extends { readonly pid: number }>(
  held: readonly T[],
): ReadonlyMap<number, readonly T[]> {
  const groups = new Map<number, T[]>();
  for (const each of held) {
    const group = groups.get(each.pid);
    if (group === undefined) groups.set(each.pid, [each]);
    else group.push(each);
  }
  return groups;
}

export function optionsFrom(values: OptionValues): SocketOptions {
  const { keepalive, userTimeoutMs, idleSeconds, intervalSeconds, count } = values;
  return {
    keepalive: keepalive ? { kind: 'known', idleSeconds, intervalSeconds, count } : { kind: 'off' },
    userTimeoutMs,
  };
}
