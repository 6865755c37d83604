/**
 * sock_diag messages as bytes (sock_diag(7), linux/inet_diag.h): encode a request, decode the reply.
 * Knows no socket; integers are in host order, which is little endian wherever Node runs.
 */
import { addressBytes } from '../../core/address.js';
import type { Endpoint } from '../../core/endpoint.js';
import type { HostSocket } from '../../core/socket.js';
import { AF_INET, AF_INET6, ENTRY_WORDS, SocketDecoder } from './socket-decoder.js';
import { wordsOf } from './words.js';

const TCPDIAG_GETSOCK = 18;
export const SOCK_DIAG_BY_FAMILY = 20;
export const SOCK_DESTROY = 21;

const IPPROTO_TCP = 6;

/** `struct nlmsghdr`: length, type and flags, sequence number, port; of an error, and of the end, an errno behind it. */
export const NLMSG_HEADER_WORDS = 4;
const NLMSG_HEADER_BYTES = 4 * NLMSG_HEADER_WORDS;
export const NLMSG_ERROR = 2;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const NLM_F_DUMP = 0x300;

const REQUEST_BYTES = NLMSG_HEADER_BYTES + 56;
/** Family and three bytes, then `struct inet_diag_sockid`, states and a number that nothing reads. */
const DUMP_REQUEST_BYTES = NLMSG_HEADER_BYTES + 60;
/** INET_DIAG_NOCOOKIE: any incarnation of the addresses. */
const NO_COOKIE = 0xffff_ffff;
/** Bit of INET_DIAG_INFO in `idiag_ext`: one less than the attribute's number. */
const EXT_TCP_INFO = 1 << 1;
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
  const words = wordsOf(bytes);
  if (words.length < NLMSG_HEADER_WORDS + ENTRY_WORDS) return { errno: 0 };
  return new SocketDecoder().decode(words, NLMSG_HEADER_WORDS, words.length);
}

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
