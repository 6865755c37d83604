/**
 * What sock_diag tells of a socket: `struct inet_diag_msg` (linux/inet_diag.h) and the attributes behind it, in
 * words. Whoever calls has seen that the whole of it is there.
 */
import { formatAddress } from '../../core/address.js';
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
  type IdleSockets,
} from '../../core/idle-sockets.js';
import type { TimerName } from '../../core/result.js';
import {
  cookieText,
  type HostSocket,
  type SocketInfo,
  type SocketTimer,
} from '../../core/socket.js';
import { AF_INET6 } from './addresses.js';
import { SEND_WINDOW_AT, stateName } from './tcp-info.js';

/** Of `struct inet_diag_msg`; its first word holds family, state, timer and idiag_retrans, a byte each. */
export const ENTRY_WORDS = 18;
const PORTS = 1;
const LOCAL = 2;
const PEER = 6;
const INTERFACE = 10;
const COOKIE_LOW = 11;
const COOKIE_HIGH = 12;
const EXPIRES = 13;
const RECEIVE_QUEUE = 14;
const SEND_QUEUE = 15;
const USER_ID = 16;
const INODE = 17;

const INET_DIAG_INFO = 2;
/** Of `struct tcp_info` up to tcpi_rttvar: more than any fate asks for. */
const SHORTEST_INFO_WORDS = 19;
/** tcpi_ca_state to tcpi_options are a byte each, tcpi_probes and tcpi_backoff among them. */
const RTO = 2;
const LAST_DATA_RECEIVED = 13;
const LAST_ACK_RECEIVED = 14;
const RTT = 17;

/** idiag_timer, net/ipv4/inet_diag.c. */
const timerNames: readonly TimerName[] = [
  'none',
  'retransmit',
  'keepalive',
  'time-wait',
  'zero-window',
];
const NO_TIMER: SocketTimer = { kind: 'none', expiresInMs: null };
const NO_TIMER_NUMBER = 0;
/** include/net/tcp_states.h. */
const TCP_SYN_SENT = 2;
const TCP_LISTEN = 10;

/** Tens of thousands of sockets have few addresses between them: each is written once. */
export class SocketDecoder {
  readonly #idle = new IdleRows();
  readonly #ipv4 = new Map<number, number>();
  readonly #ipv6 = new Map<string, number>();
  readonly #sorts = new Map<string, number>();
  /** Words of the last idle one, and what they make it. One comes after the other of its like. */
  readonly #last = new Uint32Array(SORT_WORDS);
  #lastSort = NONE;

  /** What `takeIdle` has put aside. */
  get idle(): IdleSockets {
    return this.#idle;
  }

  forgetIdle(): void {
    this.#idle.length = 0;
  }

  decode(words: Uint32Array, at: number, end: number): HostSocket {
    const first = words[at] ?? 0;
    const ports = words[at + PORTS] ?? 0;
    const kind = timerNames[timerOf(first)] ?? 'other';
    const info = infoOf(words, at, end);
    return {
      local: { address: this.#address(words, at + LOCAL, first), port: localPort(ports) },
      peer: { address: this.#address(words, at + PEER, first), port: peerPort(ports) },
      state: stateName(stateOf(first)),
      timer: kind === 'none' ? NO_TIMER : { kind, expiresInMs: words[at + EXPIRES] ?? 0 },
      retransmissions: first >>> 24,
      receiveQueueBytes: words[at + RECEIVE_QUEUE] ?? 0,
      sendQueueBytes: words[at + SEND_QUEUE] ?? 0,
      userId: words[at + USER_ID] ?? 0,
      inode: words[at + INODE] ?? 0,
      cookie: cookieText(words[at + COOKIE_LOW] ?? 0, words[at + COOKIE_HIGH] ?? 0),
      interfaceIndex: words[at + INTERFACE] ?? 0,
      info: info === NONE ? null : decodeInfo(words, info),
    };
  }

  /** Puts an idle connection aside. @returns false: it is none, or one of which no times are known */
  takeIdle(words: Uint32Array, at: number, end: number): boolean {
    const first = words[at] ?? 0;
    if (timerOf(first) !== NO_TIMER_NUMBER || stateOf(first) === TCP_LISTEN) return false;
    const info = infoOf(words, at, end);
    if (info === NONE) return false;
    const sort = this.#sortOf(words, at, info, end);
    const ports = words[at + PORTS] ?? 0;
    const to = this.#idle.next();
    const { numbers } = this.#idle;
    numbers[to + IDLE_SORT] = sort;
    numbers[to + IDLE_LOCAL] = this.#placeOf(words, at + LOCAL, first);
    numbers[to + IDLE_LOCAL_PORT] = localPort(ports);
    numbers[to + IDLE_PEER] = this.#placeOf(words, at + PEER, first);
    numbers[to + IDLE_PEER_PORT] = peerPort(ports);
    numbers[to + IDLE_INODE] = words[at + INODE] ?? 0;
    numbers[to + IDLE_COOKIE_LOW] = words[at + COOKIE_LOW] ?? 0;
    numbers[to + IDLE_COOKIE_HIGH] = words[at + COOKIE_HIGH] ?? 0;
    numbers[to + IDLE_SILENT_MS] = silentMs(words, info);
    numbers[to + IDLE_RECEIVE_QUEUE] = words[at + RECEIVE_QUEUE] ?? 0;
    return true;
  }

  /** Its place among the sorts of all that came so far. */
  #sortOf(words: Uint32Array, at: number, info: number, end: number): number {
    const last = this.#last;
    const first = words[at] ?? 0;
    const interfaceIndex = words[at + INTERFACE] ?? 0;
    const sendQueue = words[at + SEND_QUEUE] ?? 0;
    const userId = words[at + USER_ID] ?? 0;
    const isHeld = words[at + INODE] === 0 ? 0 : 1;
    const rttMs = Math.round((words[info + RTT] ?? 0) / 1000);
    // Kept when keepalive is off again: what sets it anew asks how many are unanswered.
    const probes = probesOf(words, info);
    const isLast =
      first === last[0] &&
      interfaceIndex === last[1] &&
      sendQueue === last[2] &&
      userId === last[3] &&
      isHeld === last[4] &&
      rttMs === last[5] &&
      probes === last[6];
    if (isLast) return this.#lastSort;
    last.set([first, interfaceIndex, sendQueue, userId, isHeld, rttMs, probes]);
    const key = last.join(' ');
    let sort = this.#sorts.get(key);
    if (sort === undefined) {
      sort = this.#idle.sorts.push(this.decode(words, at, end)) - 1;
      this.#sorts.set(key, sort);
    }
    this.#lastSort = sort;
    return sort;
  }

  #address(words: Uint32Array, at: number, first: number): string {
    return this.#idle.addresses[this.#placeOf(words, at, first)] ?? '';
  }

  /** Among the addresses of all that came so far. */
  #placeOf(words: Uint32Array, at: number, first: number): number {
    if (familyOf(first) === AF_INET6) return this.#placeOfIpv6(words, at);
    // Below 2^31 V8 has no need to make an object of it.
    const key = (words[at] ?? 0) | 0;
    let place = this.#ipv4.get(key);
    if (place === undefined) {
      place = this.#keep(bytesAt(words, at, 4));
      this.#ipv4.set(key, place);
    }
    return place;
  }

  #placeOfIpv6(words: Uint32Array, at: number): number {
    const bytes = bytesAt(words, at, 16);
    const key = bytes.toString('latin1');
    let place = this.#ipv6.get(key);
    if (place === undefined) {
      place = this.#keep(bytes);
      this.#ipv6.set(key, place);
    }
    return place;
  }

  #keep(bytes: Uint8Array): number {
    return this.#idle.addresses.push(formatAddress(bytes)) - 1;
  }
}

const NONE = -1;
const SORT_WORDS = 7;

function familyOf(first: number): number {
  return first & 0xff;
}

function stateOf(first: number): number {
  return (first >>> 8) & 0xff;
}

function timerOf(first: number): number {
  return (first >>> 16) & 0xff;
}

/** Ports stand in network order. */
function localPort(ports: number): number {
  return ((ports & 0xff) << 8) | ((ports >>> 8) & 0xff);
}

function peerPort(ports: number): number {
  return localPort(ports >>> 16);
}

function bytesAt(words: Uint32Array, at: number, length: number): Buffer {
  return Buffer.from(words.buffer, words.byteOffset + 4 * at, length);
}

/** Its `struct tcp_info`, where there is one with times. */
function infoOf(words: Uint32Array, at: number, end: number): number {
  // The clocks of a connection that has heard nothing yet count from the start of the machine.
  return stateOf(words[at] ?? 0) === TCP_SYN_SENT ? NONE : infoAt(words, at + ENTRY_WORDS, end);
}

/** Finds INET_DIAG_INFO among the attributes, as `attribute` does in bytes. A listener's holds no time. */
function infoAt(words: Uint32Array, from: number, end: number): number {
  for (let at = from; at < end;) {
    const header = words[at] ?? 0;
    const length = header & 0xffff;
    if (length < 4 || at + (length >>> 2) > end) return NONE;
    if (header >>> 16 === INET_DIAG_INFO) {
      const info = at + 1;
      return length < 4 * (1 + SHORTEST_INFO_WORDS) || words[info + RTO] === 0 ? NONE : info;
    }
    at += (length + 3) >>> 2;
  }
  return NONE;
}

/** @param at behind its header */
function decodeInfo(words: Uint32Array, at: number): SocketInfo {
  const isLongEnough = ((words[at - 1] ?? 0) & 0xffff) >= 4 + SEND_WINDOW_AT + 4;
  return {
    probes: probesOf(words, at),
    backoff: (words[at + 1] ?? 0) & 0xff,
    rtoMs: (words[at + RTO] ?? 0) / 1000,
    rttMs: (words[at + RTT] ?? 0) / 1000,
    silentMs: silentMs(words, at),
    windowBytes: isLongEnough ? (words[at + SEND_WINDOW_AT / 4] ?? 0) : 0,
  };
}

function probesOf(words: Uint32Array, info: number): number {
  return (words[info] ?? 0) >>> 24;
}

/** keepalive_time_elapsed, include/net/tcp.h: since data or since an acknowledgement. */
function silentMs(words: Uint32Array, at: number): number {
  const data = words[at + LAST_DATA_RECEIVED] ?? 0;
  const acknowledgement = words[at + LAST_ACK_RECEIVED] ?? 0;
  return data < acknowledgement ? data : acknowledgement;
}
