/**
 * sock_diag messages as bytes (sock_diag(7), linux/inet_diag.h): encode a request, decode a reply.
 * Knows no socket; integers are in host order, which is little endian wherever Node runs.
 */
import { isIPv4 } from 'node:net';
import type { Endpoint } from '../../core/endpoint.js';
import type { TimerName } from '../../core/result.js';
import type { SocketDiag } from '../socket-view.js';
import { stateName } from './tcp-info.js';

export const SOCK_DIAG_BY_FAMILY = 20;
export const SOCK_DESTROY = 21;

const NLMSG_HEADER_BYTES = 16;
const NLMSG_ERROR = 2;
const NLM_F_REQUEST = 1;
const NLM_F_ACK = 4;
const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_TCP = 6;
const REQUEST_BYTES = NLMSG_HEADER_BYTES + 56;
/** INET_DIAG_NOCOOKIE: any incarnation of the addresses. */
const NO_COOKIE = 0xffff_ffff;

/** A request about exactly one socket, by its addresses as its owner sees them. */
export function encodeSocketRequest(type: number, local: Endpoint, remote: Endpoint): Buffer {
  const bytes = Buffer.alloc(REQUEST_BYTES);
  bytes.writeUInt32LE(REQUEST_BYTES, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(NLM_F_REQUEST | (type === SOCK_DESTROY ? NLM_F_ACK : 0), 6);
  // struct inet_diag_req_v2: family, protocol, ext, pad, states, then struct inet_diag_sockid.
  bytes.writeUInt8(isIPv4(local.address) ? AF_INET : AF_INET6, 16);
  bytes.writeUInt8(IPPROTO_TCP, 17);
  bytes.writeUInt32LE(0xffff_ffff, 20);
  bytes.writeUInt16BE(local.port, 24);
  bytes.writeUInt16BE(remote.port, 26);
  addressBytes(local.address).copy(bytes, 28);
  addressBytes(remote.address).copy(bytes, 44);
  bytes.writeUInt32LE(NO_COOKIE, 64);
  bytes.writeUInt32LE(NO_COOKIE, 68);
  return bytes;
}

/** The reply to one socket's request: its entry, or the kernel's errno (0: acknowledged). */
export function decodeSocketReply(bytes: Buffer): SocketDiag | { readonly errno: number } {
  if (bytes.length < NLMSG_HEADER_BYTES + 4) return { errno: 0 };
  if (bytes.readUInt16LE(4) === NLMSG_ERROR) return { errno: Math.abs(bytes.readInt32LE(16)) };
  const at = NLMSG_HEADER_BYTES;
  if (bytes.length < at + 72) return { errno: 0 };
  const timer = timerName(bytes.readUInt8(at + 2));
  return {
    state: stateName(bytes.readUInt8(at + 1)),
    timer,
    expiresInMs: timer === 'none' ? undefined : bytes.readUInt32LE(at + 52),
    retransmissions: bytes.readUInt8(at + 3),
    receiveQueueBytes: bytes.readUInt32LE(at + 56),
    sendQueueBytes: bytes.readUInt32LE(at + 60),
    inode: bytes.readUInt32LE(at + 68),
  };
}

/** idiag_timer, net/ipv4/inet_diag.c. */
function timerName(timer: number): TimerName {
  const names: Readonly<Record<number, TimerName>> = {
    0: 'none',
    1: 'retransmit',
    2: 'keepalive',
    4: 'zero-window',
  };
  return names[timer] ?? 'other';
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail = ''] = address.split('::');
  const before = ipv6Words(head);
  const after = ipv6Words(tail);
  const bytes = Buffer.alloc(16);
  before.forEach((word, index) => bytes.writeUInt16BE(word, index * 2));
  after.forEach((word, index) => bytes.writeUInt16BE(word, 16 - (after.length - index) * 2));
  return bytes;
}

/** A dual-stack listener's connections have addresses that end in IPv4: `::ffff:127.0.0.1`. */
function ipv6Words(part: string): readonly number[] {
  if (part === '') return [];
  return part.split(':').flatMap((word) => {
    if (!isIPv4(word)) return parseInt(word, 16);
    const quad = addressBytes(word);
    return [quad.readUInt16BE(0), quad.readUInt16BE(2)];
  });
}
