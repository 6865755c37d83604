/**
 * The first of several addresses that connects. The next one is tried when one fails, or soon while
 * it is still silent (RFC 8305 section 5), without giving the first one up: a slow path is no dead one.
 */
import { connect, type Socket } from 'node:net';
import type { Kernel } from '../kernel/kernel.js';
import { descriptorOf } from './descriptor.js';
import { ConnectFailure, type Patience } from './patience.js';

/** RFC 8305 section 8: the recommended Connection Attempt Delay. */
const NEXT_AFTER_MS = 250;

/**
 * @param addresses at least one
 * @throws ConnectFailure with a reason for each that was tried
 */
export async function connectFirst(
  kernel: Kernel,
  addresses: readonly string[],
  port: number,
  patience: Patience,
): Promise<{ readonly socket: Socket; readonly address: string }> {
  const trying = new Map<string, Socket>();
  const reasons = new Map<string, string>();
  const left = [...addresses];
  let winner: Socket | undefined;
  let timer: NodeJS.Timeout | undefined;

  const race = () =>
    new Promise<{ socket: Socket; address: string }>((resolve, reject) => {
      const tryNext = () => {
        clearTimeout(timer);
        const address = left.shift();
        if (address === undefined) return;
        const socket = connect({ host: address, port });
        trying.set(address, socket);
        const onError = (cause: NodeJS.ErrnoException) => {
          trying.delete(address);
          reasons.set(address, reasonOf(cause, address));
          if (left.length > 0) tryNext();
          else if (trying.size === 0) reject(failure(cause));
        };
        socket.once('error', onError);
        socket.once('connect', () => {
          if (winner !== undefined) return;
          winner = socket;
          socket.off('error', onError);
          resolve({ socket, address });
        });
        if (left.length > 0) timer = setTimeout(tryNext, NEXT_AFTER_MS);
      };
      tryNext();
    });

  const failure = (cause?: unknown): ConnectFailure => {
    const each = addresses.flatMap((address) => {
      const reason = reasons.get(address);
      return reason === undefined
        ? []
        : [addresses.length === 1 ? reason : `${address}: ${reason}`];
    });
    return new ConnectFailure('UNREACHABLE', each.join('; '), { hint: HINT, cause });
  };

  try {
    return await patience.during(race, (within) => {
      for (const [address, socket] of trying) {
        reasons.set(address, `no answer${toHowMany(kernel, socket)} ${within}`);
      }
      return failure();
    });
  } finally {
    clearTimeout(timer);
    for (const socket of trying.values()) if (socket !== winner) socket.destroy();
  }
}

const HINT = 'is it listening there, and does a firewall let you through?';

function toHowMany(kernel: Kernel, socket: Socket): string {
  const descriptor = descriptorOf(socket);
  const info = descriptor === undefined ? undefined : kernel.tcpInfo(descriptor);
  if (info?.state !== 'SYN-SENT') return '';
  const count = 1 + info.totalRetransmissions;
  return count === 1 ? ' to a SYN' : ` to ${count} SYNs`;
}

function reasonOf(cause: NodeJS.ErrnoException, address: string): string {
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection reset',
    EHOSTUNREACH: 'no route to the host',
    ENETUNREACH: 'the network is unreachable',
    ETIMEDOUT: 'no answer, and the kernel gave up (net.ipv4.tcp_syn_retries)',
    EACCES: 'this host does not let it out',
    EPERM: 'this host does not let it out',
    EADDRNOTAVAIL: 'no local address or port is left for it',
    EINVAL: /^fe80:[^%]*$/i.test(address)
      ? `a link-local address needs its interface: ${address}%eth0`
      : 'the kernel refuses this address, or a blackhole route is in its way',
  };
  return reasons[cause.code ?? ''] ?? cause.message;
}
