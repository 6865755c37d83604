import type { HostSocket } from '../../src/core/socket.js';
import type { Kernel } from '../../src/kernel/kernel.js';

/** Of a kernel, what is told of these sockets, in one part. @param isTorn asked at each reading */
export function tableOf(
  sockets: readonly HostSocket[],
  { isTorn = (): boolean => false, withinMs = 0 } = {},
): Pick<Kernel, 'tcpSockets' | 'comingTcpSockets'> {
  return {
    tcpSockets: () => ({ sockets, torn: isTorn(), idle: 0 }),
    comingTcpSockets: () => ({
      askedAt: new Date(),
      torn: isTorn(),
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve({ sockets, idle: 0, withinMs });
      },
    }),
  };
}

/** Four retransmissions, the first of them 6.1 s ago. */
export const dying: HostSocket = {
  local: { address: '10.0.0.5', port: 443 },
  peer: { address: '192.0.2.7', port: 40_001 },
  state: 'ESTABLISHED',
  timer: { kind: 'retransmit', expiresInMs: 20 },
  retransmissions: 4,
  sendQueueBytes: 64,
  receiveQueueBytes: 0,
  inode: 0,
  userId: 0,
  cookie: '1a2b',
  interfaceIndex: 3,
  info: { probes: 0, backoff: 4, rtoMs: 3264, rttMs: 0.1, silentMs: 90_000 },
};
