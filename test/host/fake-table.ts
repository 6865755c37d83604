import type { Endpoint } from '../../src/core/endpoint.js';
import {
  IDLE_COOKIE_HIGH,
  IDLE_COOKIE_LOW,
  IDLE_INODE,
  IDLE_LOCAL,
  IDLE_LOCAL_PORT,
  IDLE_PEER,
  IDLE_PEER_PORT,
  IDLE_RECEIVE_QUEUE,
  IDLE_SILENT_MS,
  IDLE_SORT,
  IdleRows,
} from '../../src/core/idle-sockets.js';
import type { HostSocket } from '../../src/core/socket.js';
import type { Kernel } from '../../src/kernel/kernel.js';

/** Put aside as the kernel's decoder does it. @param sockets of which times are known @param rows of the parts before */
export function putAside(sockets: readonly HostSocket[], rows = new IdleRows()): IdleRows {
  rows.length = 0;
  const sorts = new Map(rows.sorts.map((socket, at) => [sortOf(socket), at]));
  for (const socket of sockets) {
    const { local, peer, inode, cookie, info } = socket;
    if (info === null) throw new Error('its times are not known');
    const sort = sorts.get(sortOf(socket)) ?? rows.sorts.push(socket) - 1;
    sorts.set(sortOf(socket), sort);
    const place = ({ address }: Endpoint) => {
      const known = rows.addresses.indexOf(address);
      return known < 0 ? rows.addresses.push(address) - 1 : known;
    };
    const number = BigInt(`0x${cookie ?? '0'}`);
    const at = rows.next();
    rows.numbers[at + IDLE_SORT] = sort;
    rows.numbers[at + IDLE_LOCAL] = place(local);
    rows.numbers[at + IDLE_LOCAL_PORT] = local.port;
    rows.numbers[at + IDLE_PEER] = place(peer);
    rows.numbers[at + IDLE_PEER_PORT] = peer.port;
    rows.numbers[at + IDLE_INODE] = inode;
    rows.numbers[at + IDLE_COOKIE_LOW] = Number(number & 0xffff_ffffn);
    rows.numbers[at + IDLE_COOKIE_HIGH] = Number(number >> 32n);
    rows.numbers[at + IDLE_SILENT_MS] = info.silentMs;
    rows.numbers[at + IDLE_RECEIVE_QUEUE] = socket.receiveQueueBytes;
  }
  return rows;
}

function sortOf({ inode, info, ...socket }: HostSocket): string {
  const { state, timer, retransmissions, userId, interfaceIndex, sendQueueBytes } = socket;
  const rttMs = Math.round(info?.rttMs ?? 0);
  const shared = [state, timer, retransmissions, userId, interfaceIndex, sendQueueBytes];
  return JSON.stringify([...shared, rttMs, info?.probes, inode === 0]);
}

/** Of a kernel, what is told of these sockets, in one part. @param isTorn asked at each reading */
export function tableOf(
  sockets: readonly HostSocket[],
  { isTorn = (): boolean => false, withinMs = 0 } = {},
): Pick<Kernel, 'tcpSockets' | 'comingTcpSockets'> {
  const isIdle = ({ timer, info }: HostSocket) => timer.kind === 'none' && info !== null;
  const timed = sockets.filter((socket) => !isIdle(socket));
  const idle = () => putAside(sockets.filter(isIdle));
  return {
    tcpSockets: () => ({ timed, torn: isTorn(), idle: idle() }),
    comingTcpSockets: () => ({
      askedAt: new Date(),
      torn: isTorn(),
      async *[Symbol.asyncIterator]() {
        yield await Promise.resolve({ timed, idle: idle(), withinMs });
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
  info: { probes: 0, backoff: 4, rtoMs: 3264, rttMs: 0.1, silentMs: 90_000, windowBytes: 0 },
};
