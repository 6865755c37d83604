/**
 * sock_diag messages as bytes (sock_diag(7), linux/inet_diag.h): encode a request, decode the reply.
 * Knows no socket; integers are in host order, which is little endian wherever Node runs.
 */
import type { Endpoint } from '../../core/endpoint.js';
import type { HostSocket } from '../../core/socket.js';
import { bytesOf, familyOf } from './addresses.js';
import {
  attribute,
  messageOf,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLMSG_HEADER_BYTES,
  refusalIn,
  viewOf,
} from './netlink-message.js';
import { ENTRY_WORDS, SocketDecoder } from './socket-decoder.js';
import { IPPROTO_TCP } from './socket-options.js';
import { wordsOf } from './words.js';

const TCPDIAG_GETSOCK = 18;
export const SOCK_DIAG_BY_FAMILY = 20;
export const SOCK_DESTROY = 21;

const REQUEST_BYTES = NLMSG_HEADER_BYTES + 56;
/** Family and three bytes, then `struct inet_diag_sockid`, states and a number that nothing reads. */
const DUMP_REQUEST_BYTES = NLMSG_HEADER_BYTES + 60;
const ATTRIBUTES_AT = NLMSG_HEADER_BYTES + 4 * ENTRY_WORDS;
/** INET_DIAG_NOCOOKIE: any incarnation of the addresses. */
const NO_COOKIE = 0xffff_ffff;
/** Bit of INET_DIAG_INFO in `idiag_ext`: one less than the attribute's number. */
const EXT_TCP_INFO = 1 << 1;
const INET_DIAG_MARK = 15;
/** `struct inet_diag_sockopt`, from Linux 5.10 on. */
const INET_DIAG_SOCKOPT = 22;
/** Its bit-field, in the first byte. */
const TRANSPARENT = 1 << 5;
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
  const errno = refusalIn(bytes);
  if (errno !== undefined) return { errno };
  if (bytes.length < ATTRIBUTES_AT) return { errno: 0 };
  const words = wordsOf(bytes);
  return new SocketDecoder().decode(words, NLMSG_HEADER_BYTES / 4, words.length);
}

/** What the routes of a socket may depend on beside its addresses; told of a mark to CAP_NET_ADMIN alone. */
export interface RoutingOptions {
  /** SO_MARK; 0: none, or not told. */
  readonly mark: number;
  /** IP_TRANSPARENT. */
  readonly isTransparent: boolean;
}

/** Of the reply to one socket's request; of one that is gone, none. */
export function decodeRoutingOptions(reply: Buffer): RoutingOptions {
  if (refusalIn(reply) !== undefined) return { mark: 0, isTransparent: false };
  const view = viewOf(reply);
  const mark = attribute(view, ATTRIBUTES_AT, INET_DIAG_MARK, 4);
  const options = attribute(view, ATTRIBUTES_AT, INET_DIAG_SOCKOPT, 1);
  return {
    mark: mark === undefined ? 0 : view.getUint32(mark, true),
    isTransparent: options !== undefined && (view.getUint8(options) & TRANSPARENT) !== 0,
  };
}

/** After its header struct inet_diag_req_v2: family, protocol, ext, pad, states, inet_diag_sockid. */
function request(type: number, flags: number, family: number): Buffer {
  const bytes = messageOf(REQUEST_BYTES, type, flags);
  bytes.writeUInt8(family, 16);
  bytes.writeUInt8(IPPROTO_TCP, 17);
  return bytes;
}
