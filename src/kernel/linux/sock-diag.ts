/**
 * sock_diag messages as bytes (sock_diag(7), linux/inet_diag.h): encode a request, decode a reply.
 * Knows no socket; integers are in host order, which is little endian wherever Node runs.
 */
import { addressBytes, formatAddress } from '../../core/address.js';
import type { Endpoint } from '../../core/endpoint.js';
import type { TimerName } from '../../core/result.js';
import type { HostSocket, SocketInfo, SocketTimer } from '../../core/socket.js';
import { stateName } from './tcp-info.js';

export const SOCK_DIAG_BY_FAMILY = 20;
export const SOCK_DESTROY = 21;

export const AF_INET = 2;
export const AF_INET6 = 10;
const IPPROTO_TCP = 6;

const NLMSG_HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;
/** The table changed while it was dumped (NLM_F_DUMP_INTR): something may be missing, or twice. */
const NLM_F_DUMP_INTR = 0x10;

const REQUEST_BYTES = NLMSG_HEADER_BYTES + 56;
/** `struct inet_diag_msg`; attributes follow. */
const ENTRY_BYTES = 72;
/** INET_DIAG_NOCOOKIE: any incarnation of the addresses. */
const NO_COOKIE = 0xffff_ffff;
/** Bit of INET_DIAG_INFO in `idiag_ext`; the attribute's number is one more. */
const EXT_TCP_INFO = 1 << 1;
const INET_DIAG_INFO = 2;
/** Up to tcpi_rttvar: more than any fate asks for. */
const SHORTEST_INFO_BYTES = 76;
/** Every state but CLOSE: what is in it is not in any table of connections. */
const EVERY_STATE = 0xfff & ~(1 << 7);

export interface SocketAddress {
  readonly local: Endpoint;
  readonly peer: Endpoint;
  /** A connection bound to an interface is found by it alone; 0: bound to none. */
  readonly interfaceIndex: number;
  /** In hex; null: any incarnation of the addresses. */
  readonly cookie: string | null;
}

/** A request about exactly one socket, by its addresses as its owner sees them. */
export function encodeSocketRequest(
  type: typeof SOCK_DIAG_BY_FAMILY | typeof SOCK_DESTROY,
  { local, peer, interfaceIndex, cookie }: SocketAddress,
): Buffer {
  const localBytes = bytesOf(local);
  const bytes = request(type, type === SOCK_DESTROY ? NLM_F_ACK : 0, familyOf(localBytes));
  bytes.writeUInt8(EXT_TCP_INFO, 18);
  bytes.writeUInt32LE(0xffff_ffff, 20);
  bytes.writeUInt16BE(local.port, 24);
  bytes.writeUInt16BE(peer.port, 26);
  bytes.set(localBytes, 28);
  bytes.set(bytesOf(peer), 44);
  bytes.writeUInt32LE(interfaceIndex, 60);
  const number = cookie === null ? undefined : BigInt(`0x${cookie}`);
  bytes.writeUInt32LE(number === undefined ? NO_COOKIE : Number(number & 0xffff_ffffn), 64);
  bytes.writeUInt32LE(number === undefined ? NO_COOKIE : Number(number >> 32n), 68);
  return bytes;
}

/** A request about all TCP sockets of one family. */
export function encodeDumpRequest(family: typeof AF_INET | typeof AF_INET6): Buffer {
  const bytes = request(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, family);
  bytes.writeUInt8(EXT_TCP_INFO, 18);
  bytes.writeUInt32LE(EVERY_STATE, 20);
  return bytes;
}

/** The reply to one socket's request: its entry, or the kernel's errno (0: acknowledged). */
export function decodeSocketReply(bytes: Buffer): HostSocket | { readonly errno: number } {
  if (bytes.length < NLMSG_HEADER_BYTES + 4) return { errno: 0 };
  if (bytes.readUInt16LE(4) === NLMSG_ERROR) return { errno: Math.abs(bytes.readInt32LE(16)) };
  if (bytes.length < NLMSG_HEADER_BYTES + ENTRY_BYTES) return { errno: 0 };
  return new SocketDecoder().decode(bytes, NLMSG_HEADER_BYTES, bytes.length);
}

/** Puts a dump together from the pieces that the kernel sends. */
export class DumpReader {
  readonly sockets: HostSocket[] = [];
  readonly #decoder = new SocketDecoder();
  #torn = false;
  #errno = 0;

  get torn(): boolean {
    return this.#torn;
  }

  /** Why there is no more; 0: none. */
  get errno(): number {
    return this.#errno;
  }

  /** Something has not come (ENOBUFS). */
  lost(): void {
    this.#torn = true;
  }

  /** @returns whether that was all */
  take(bytes: Buffer): boolean {
    for (let at = 0; at + NLMSG_HEADER_BYTES <= bytes.length;) {
      const length = bytes.readUInt32LE(at);
      const end = at + length;
      if (length < NLMSG_HEADER_BYTES || end > bytes.length) {
        this.#torn = true;
        return true;
      }
      if ((bytes.readUInt16LE(at + 6) & NLM_F_DUMP_INTR) !== 0) this.#torn = true;
      const type = bytes.readUInt16LE(at + 4);
      const body = at + NLMSG_HEADER_BYTES;
      if (type === NLMSG_DONE || type === NLMSG_ERROR) {
        // A dump that failed is done, too: with the errno that made it so.
        this.#errno = length < NLMSG_HEADER_BYTES + 4 ? 0 : Math.abs(bytes.readInt32LE(body));
        return true;
      }
      if (body + ENTRY_BYTES <= end) this.sockets.push(this.#decoder.decode(bytes, body, end));
      at = end + (-length & 3);
    }
    return false;
  }
}

const NO_TIMER: SocketTimer = { kind: 'none', expiresInMs: null };

/** Tens of thousands of sockets have few addresses between them: each is written once. */
class SocketDecoder {
  readonly #ipv4 = new Map<number, string>();
  readonly #ipv6 = new Map<string, string>();

  decode(bytes: Buffer, at: number, end: number): HostSocket {
    const kind = timerNames[bytes.readUInt8(at + 2)] ?? 'other';
    const isIpv6 = bytes.readUInt8(at) === AF_INET6;
    const state = stateName(bytes.readUInt8(at + 1));
    return {
      local: {
        address: this.#address(bytes, at + 8, isIpv6),
        port: bytes.readUInt16BE(at + 4),
      },
      peer: {
        address: this.#address(bytes, at + 24, isIpv6),
        port: bytes.readUInt16BE(at + 6),
      },
      state,
      timer: kind === 'none' ? NO_TIMER : { kind, expiresInMs: bytes.readUInt32LE(at + 52) },
      retransmissions: bytes.readUInt8(at + 3),
      receiveQueueBytes: bytes.readUInt32LE(at + 56),
      sendQueueBytes: bytes.readUInt32LE(at + 60),
      userId: bytes.readUInt32LE(at + 64),
      inode: bytes.readUInt32LE(at + 68),
      cookie: cookieText(bytes.readUInt32LE(at + 44), bytes.readUInt32LE(at + 48)),
      interfaceIndex: bytes.readUInt32LE(at + 40),
      // The clocks of a connection that has heard nothing yet count from the start of the machine.
      info: state === 'SYN-SENT' ? null : socketInfo(bytes, at + ENTRY_BYTES, end),
    };
  }

  #address(bytes: Buffer, at: number, isIpv6: boolean): string {
    if (isIpv6) {
      const key = bytes.toString('latin1', at, at + 16);
      let text = this.#ipv6.get(key);
      if (text === undefined) {
        text = formatAddress(bytes.subarray(at, at + 16));
        this.#ipv6.set(key, text);
      }
      return text;
    }
    const key = bytes.readUInt32LE(at);
    let text = this.#ipv4.get(key);
    if (text === undefined) {
      text = formatAddress(bytes.subarray(at, at + 4));
      this.#ipv4.set(key, text);
    }
    return text;
  }
}

/** Bytes of a socket's SO_COOKIE, or of a message's idiag_cookie, as `ss -e` writes them. */
export function cookieText(low: number, high: number): string {
  // Counted up from 1, but in a nested interrupt down from 2^64 (gen_cookie_next, linux/cookie.h).
  const isSafe = high < 0x20_0000;
  return (isSafe ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) + BigInt(low)).toString(16);
}

/** Finds INET_DIAG_INFO among the attributes: u16 length with its header of 4, u16 type. */
function socketInfo(bytes: Buffer, from: number, end: number): SocketInfo | null {
  for (let at = from; at + 4 <= end;) {
    const length = bytes.readUInt16LE(at);
    if (length < 4 || at + length > end) return null;
    if (bytes.readUInt16LE(at + 2) === INET_DIAG_INFO) {
      return length < 4 + SHORTEST_INFO_BYTES ? null : decodeInfo(bytes, at + 4);
    }
    at += (length + 3) & ~3;
  }
  return null;
}

/** Of `struct tcp_info`; a listener's holds its queue instead, and no time. */
function decodeInfo(bytes: Buffer, at: number): SocketInfo | null {
  const rtoMicroseconds = bytes.readUInt32LE(at + 8);
  if (rtoMicroseconds === 0) return null;
  return {
    probes: bytes.readUInt8(at + 3),
    backoff: bytes.readUInt8(at + 4),
    rtoMs: rtoMicroseconds / 1000,
    rttMs: bytes.readUInt32LE(at + 68) / 1000,
    // keepalive_time_elapsed, include/net/tcp.h: since data or since an acknowledgement.
    silentMs: Math.min(bytes.readUInt32LE(at + 52), bytes.readUInt32LE(at + 56)),
  };
}

/** idiag_timer, net/ipv4/inet_diag.c. */
const timerNames: readonly TimerName[] = [
  'none',
  'retransmit',
  'keepalive',
  'time-wait',
  'zero-window',
];

/** nlmsghdr, then struct inet_diag_req_v2: family, protocol, ext, pad, states, inet_diag_sockid. */
function request(type: number, flags: number, family: number): Buffer {
  const bytes = Buffer.alloc(REQUEST_BYTES);
  bytes.writeUInt32LE(REQUEST_BYTES, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(NLM_F_REQUEST | flags, 6);
  bytes.writeUInt8(family, 16);
  bytes.writeUInt8(IPPROTO_TCP, 17);
  return bytes;
}

function familyOf(bytes: Uint8Array): number {
  return bytes.length === 4 ? AF_INET : AF_INET6;
}

/** A zone (`fe80::1%eth0`) is no part of the address. */
function bytesOf({ address }: Endpoint): Uint8Array {
  const bytes = addressBytes(address.replace(/%.*$/, ''));
  if (bytes === undefined) throw new RangeError(`${address} is no address`);
  return bytes;
}
