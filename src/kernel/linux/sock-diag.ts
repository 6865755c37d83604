/**
 * sock_diag messages as bytes (sock_diag(7), linux/inet_diag.h): encode a request, decode a reply.
 * Knows no socket; integers are in host order, which is little endian wherever Node runs.
 */
import { addressBytes, formatAddress } from '../../core/address.js';
import type { Endpoint } from '../../core/endpoint.js';
import type { TimerName } from '../../core/result.js';
import type { HostSocket, SocketInfo, SocketTimer } from '../../core/socket.js';
import { stateName } from './tcp-info.js';

const TCPDIAG_GETSOCK = 18;
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
/** Family and three bytes, then `struct inet_diag_sockid`, states and a number that nothing reads. */
const DUMP_REQUEST_BYTES = NLMSG_HEADER_BYTES + 60;
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

/**
 * A request about all TCP sockets. `struct inet_diag_req` is the older of the two, and the only one about both
 * families (inet_diag_dump_compat): a dump of each would walk twice over the one table they share.
 */
export function encodeDumpRequest(): Buffer {
  const bytes = messageOf(DUMP_REQUEST_BYTES, TCPDIAG_GETSOCK, NLM_F_DUMP);
  bytes.writeUInt8(EXT_TCP_INFO, 19);
  bytes.writeUInt32LE(EVERY_STATE, 68);
  return bytes;
}

/** The reply to one socket's request: its entry, or the kernel's errno (0: acknowledged). */
export function decodeSocketReply(bytes: Buffer): HostSocket | { readonly errno: number } {
  if (bytes.length < NLMSG_HEADER_BYTES + 4) return { errno: 0 };
  if (bytes.readUInt16LE(4) === NLMSG_ERROR) return { errno: Math.abs(bytes.readInt32LE(16)) };
  if (bytes.length < NLMSG_HEADER_BYTES + ENTRY_BYTES) return { errno: 0 };
  return new SocketDecoder().decode(viewOf(bytes), NLMSG_HEADER_BYTES, bytes.length);
}

/** Reads of the pieces of a dump whether they are all, and whole; and counts the idle. */
export class DumpReader {
  #torn = false;
  #errno = 0;
  #idle = 0;

  get torn(): boolean {
    return this.#torn;
  }

  /** Why there is no more; 0: none. */
  get errno(): number {
    return this.#errno;
  }

  /** Connections on which no timer is armed. */
  get idle(): number {
    return this.#idle;
  }

  /** Something has not come (ENOBUFS). */
  lost(): void {
    this.#torn = true;
  }

  /** @returns whether that was all */
  take(piece: Uint8Array): boolean {
    const view = viewOf(piece);
    for (let at = 0; at + NLMSG_HEADER_BYTES <= view.byteLength;) {
      const length = view.getUint32(at, true);
      if (length < NLMSG_HEADER_BYTES || at + length > view.byteLength) {
        this.#torn = true;
        return true;
      }
      if ((view.getUint16(at + 6, true) & NLM_F_DUMP_INTR) !== 0) this.#torn = true;
      if (isLast(view, at)) {
        const body = at + NLMSG_HEADER_BYTES;
        // A dump that failed is done, too: with the errno that made it so.
        this.#errno = length < NLMSG_HEADER_BYTES + 4 ? 0 : Math.abs(view.getInt32(body, true));
        return true;
      }
      if (length >= NLMSG_HEADER_BYTES + ENTRY_BYTES && isIdle(view, at)) this.#idle++;
      at += align(length);
    }
    return false;
  }
}

/**
 * The sockets in the pieces of a dump: of one that is cut short, what is whole.
 * @param decoder the same for all parts of one table
 */
export function decodeSockets(
  pieces: readonly Uint8Array[],
  decoder = new SocketDecoder(),
): IterableIterator<HostSocket> {
  return new SocketsOfPieces(pieces, decoder);
}

/** No generator: what V8 has compiled of one's loop it leaves when the next begins, and compiles it again. */
class SocketsOfPieces implements IterableIterator<HostSocket> {
  readonly #decoder: SocketDecoder;
  readonly #pieces: readonly Uint8Array[];
  #taken = 0;
  #view: DataView = NOTHING;
  #at = 0;

  constructor(pieces: readonly Uint8Array[], decoder: SocketDecoder) {
    this.#pieces = pieces;
    this.#decoder = decoder;
  }

  [Symbol.iterator](): this {
    return this;
  }

  next(): IteratorResult<HostSocket, undefined> {
    for (;;) {
      const [view, at] = [this.#view, this.#at];
      if (at + NLMSG_HEADER_BYTES > view.byteLength) {
        const piece = this.#pieces[this.#taken++];
        if (piece === undefined) return { done: true, value: undefined };
        this.#view = viewOf(piece);
        this.#at = 0;
        continue;
      }
      const length = view.getUint32(at, true);
      const [body, end] = [at + NLMSG_HEADER_BYTES, at + length];
      const isWhole = length >= NLMSG_HEADER_BYTES && end <= view.byteLength;
      this.#at = isWhole ? at + align(length) : view.byteLength;
      if (isWhole && body + ENTRY_BYTES <= end && !isLast(view, at)) {
        return { done: false, value: this.#decoder.decode(view, body, end) };
      }
    }
  }
}

const NOTHING = new DataView(new ArrayBuffer(0));

function isLast(view: DataView, at: number): boolean {
  const type = view.getUint16(at + 4, true);
  return type === NLMSG_DONE || type === NLMSG_ERROR;
}

function isIdle(view: DataView, at: number): boolean {
  const body = at + NLMSG_HEADER_BYTES;
  return view.getUint8(body + 2) === NO_TIMER_NUMBER && view.getUint8(body + 1) !== TCP_LISTEN;
}

const NO_TIMER_NUMBER = 0;
/** include/net/tcp_states.h. */
const TCP_LISTEN = 10;

/** NLMSG_ALIGN, linux/netlink.h. */
function align(length: number): number {
  return length + (-length & 3);
}

/** Buffer's own readers take several times as long. */
function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

const NO_TIMER: SocketTimer = { kind: 'none', expiresInMs: null };

/** Tens of thousands of sockets have few addresses between them: each is written once. */
export class SocketDecoder {
  readonly #ipv4 = new Map<number, string>();
  readonly #ipv6 = new Map<string, string>();

  decode(view: DataView, at: number, end: number): HostSocket {
    const kind = timerNames[view.getUint8(at + 2)] ?? 'other';
    const isIpv6 = view.getUint8(at) === AF_INET6;
    const state = stateName(view.getUint8(at + 1));
    return {
      local: {
        address: this.#address(view, at + 8, isIpv6),
        port: view.getUint16(at + 4),
      },
      peer: {
        address: this.#address(view, at + 24, isIpv6),
        port: view.getUint16(at + 6),
      },
      state,
      timer: kind === 'none' ? NO_TIMER : { kind, expiresInMs: view.getUint32(at + 52, true) },
      retransmissions: view.getUint8(at + 3),
      receiveQueueBytes: view.getUint32(at + 56, true),
      sendQueueBytes: view.getUint32(at + 60, true),
      userId: view.getUint32(at + 64, true),
      inode: view.getUint32(at + 68, true),
      cookie: cookieText(view.getUint32(at + 44, true), view.getUint32(at + 48, true)),
      interfaceIndex: view.getUint32(at + 40, true),
      // The clocks of a connection that has heard nothing yet count from the start of the machine.
      info: state === 'SYN-SENT' ? null : socketInfo(view, at + ENTRY_BYTES, end),
    };
  }

  #address(view: DataView, at: number, isIpv6: boolean): string {
    if (isIpv6) return this.#ipv6Address(view, at);
    const key = view.getUint32(at, true);
    let text = this.#ipv4.get(key);
    if (text === undefined) {
      text = formatAddress(bytesAt(view, at, 4));
      this.#ipv4.set(key, text);
    }
    return text;
  }

  #ipv6Address(view: DataView, at: number): string {
    const bytes = bytesAt(view, at, 16);
    const key = bytes.toString('latin1');
    let text = this.#ipv6.get(key);
    if (text === undefined) {
      text = formatAddress(bytes);
      this.#ipv6.set(key, text);
    }
    return text;
  }
}

function bytesAt(view: DataView, at: number, length: number): Buffer {
  return Buffer.from(view.buffer, view.byteOffset + at, length);
}

/** Bytes of a socket's SO_COOKIE, or of a message's idiag_cookie, as `ss -e` writes them. */
export function cookieText(low: number, high: number): string {
  // Counted up from 1, but in a nested interrupt down from 2^64 (gen_cookie_next, linux/cookie.h).
  const isSafe = high < 0x20_0000;
  return (isSafe ? high * 0x1_0000_0000 + low : (BigInt(high) << 32n) + BigInt(low)).toString(16);
}

/** Finds INET_DIAG_INFO among the attributes: u16 length with its header of 4, u16 type. */
function socketInfo(view: DataView, from: number, end: number): SocketInfo | null {
  for (let at = from; at + 4 <= end;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > end) return null;
    if (view.getUint16(at + 2, true) === INET_DIAG_INFO) {
      return length < 4 + SHORTEST_INFO_BYTES ? null : decodeInfo(view, at + 4);
    }
    at += (length + 3) & ~3;
  }
  return null;
}

/** Of `struct tcp_info`; a listener's holds its queue instead, and no time. */
function decodeInfo(view: DataView, at: number): SocketInfo | null {
  const rtoMicroseconds = view.getUint32(at + 8, true);
  if (rtoMicroseconds === 0) return null;
  return {
    probes: view.getUint8(at + 3),
    backoff: view.getUint8(at + 4),
    rtoMs: rtoMicroseconds / 1000,
    rttMs: view.getUint32(at + 68, true) / 1000,
    // keepalive_time_elapsed, include/net/tcp.h: since data or since an acknowledgement.
    silentMs: Math.min(view.getUint32(at + 52, true), view.getUint32(at + 56, true)),
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

/** After its header struct inet_diag_req_v2: family, protocol, ext, pad, states, inet_diag_sockid. */
function request(type: number, flags: number, family: number): Buffer {
  const bytes = messageOf(REQUEST_BYTES, type, flags);
  bytes.writeUInt8(family, 16);
  bytes.writeUInt8(IPPROTO_TCP, 17);
  return bytes;
}

/** Zeros behind a `struct nlmsghdr`. */
function messageOf(length: number, type: number, flags: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(NLM_F_REQUEST | flags, 6);
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
