/** One TCP socket of a host: what its kernel tells of it, and its options as far as they could be read. */
import type { Endpoint } from './endpoint.js';
import type { KeepaliveSettings } from './mode.js';
import type { TimerName } from './result.js';

export interface HostSocket {
  /** An IPv4 connection on a dual-stack socket has its IPv4 addresses. */
  readonly local: Endpoint;
  readonly peer: Endpoint;
  /** As `ss -a` spells it in full: `ESTABLISHED`, `CLOSE-WAIT`. */
  readonly state: string;
  readonly timer: SocketTimer;
  /** Retransmissions, or probes unanswered, by which timer it is (idiag_retrans). */
  readonly retransmissions: number;
  /** Of a listener: how many connections it may keep waiting. */
  readonly sendQueueBytes: number;
  /** Of a listener: how many connections wait to be accepted. */
  readonly receiveQueueBytes: number;
  /** Of the file that a process holds; 0: no process holds it any more. */
  readonly inode: number;
  /** Says nothing where no process holds it any more: 0 then, which is also root. */
  readonly userId: number;
  /** The kernel's own name for it, in hex: never given twice. Null where it was not told. */
  readonly cookie: string | null;
  /** Of the interface that it is bound to, an IPv6 link-local one always is; 0: none. */
  readonly interfaceIndex: number;
  /** Null where the kernel tells none: listeners, what has heard nothing yet, what only waits for its end. */
  readonly info: SocketInfo | null;
}

export interface SocketTimer {
  readonly kind: TimerName;
  /** Null: no timer is armed. */
  readonly expiresInMs: number | null;
}

/** Of TCP_INFO what decides a fate. */
export interface SocketInfo {
  /** Keepalive or zero-window probes out and unanswered. */
  readonly probes: number;
  /** Doublings of the retransmission or probe timer so far. */
  readonly backoff: number;
  /** With those doublings. */
  readonly rtoMs: number;
  readonly rttMs: number;
  /** Since any segment arrived, data or acknowledgement: what keepalive counts from. */
  readonly silentMs: number;
  /** What the peer has room for (tcpi_snd_wnd); 0 also where the kernel does not tell, before Linux 5.4. */
  readonly windowBytes: number;
}

export interface SocketOptions {
  readonly keepalive: SocketKeepalive;
  /** 0: off, as the kernel has it; null: it could not be read. */
  readonly userTimeoutMs: number | null;
}

export type SocketKeepalive =
  | ({ readonly kind: 'known' } & KeepaliveSettings)
  | { readonly kind: 'off' }
  | { readonly kind: 'unknown'; readonly reason: string };

/** The process that holds a socket: the one with the lowest number, where several do. */
export interface SocketOwner {
  readonly pid: number;
  readonly fd: number;
}

/** By the kernel's number, include/net/tcp_states.h. */
export const tcpStates = [
  'UNKNOWN',
  'ESTABLISHED',
  'SYN-SENT',
  'SYN-RECV',
  'FIN-WAIT-1',
  'FIN-WAIT-2',
  'TIME-WAIT',
  'CLOSE',
  'CLOSE-WAIT',
  'LAST-ACK',
  'LISTEN',
  'CLOSING',
] as const;

export function isListener({ state }: Pick<HostSocket, 'state'>): boolean {
  return state === 'LISTEN';
}

/**
 * What can be said without reading them: an idle connection with keepalive has a timer for it; a
 * listener never has one.
 */
export function unreadOptions(socket: HostSocket, reason: string): SocketOptions {
  return socket.timer.kind === 'none' && !isListener(socket)
    ? OFF_AND_UNREAD
    : { keepalive: { kind: 'unknown', reason }, userTimeoutMs: null };
}

/** One for the tens of thousands of a host. */
const OFF_AND_UNREAD: SocketOptions = { keepalive: { kind: 'off' }, userTimeoutMs: null };

/** SO_COOKIE, or a message's idiag_cookie, as `ss -e` writes them. */
export function cookieText(low: number, high: number): string {
  // Counted up from 1, but in a nested interrupt down from 2^64 (gen_cookie_next, linux/cookie.h).
  const isSafe = high < 0x20_0000;
  return (isSafe ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) + BigInt(low)).toString(16);
}
