/**
 * rtnetlink messages as bytes (rtnetlink(7), linux/rtnetlink.h): which way a packet would take, what its
 * interface is like, and whether the router on that way answers. Knows no socket.
 */
import { formatAddress } from '../../core/address.js';
import type { HostSocket } from '../../core/socket.js';
import { AF_INET6, bytesOf, familyOf } from './addresses.js';
import {
  attribute,
  messageWith,
  NLM_F_ACK,
  NLMSG_HEADER_BYTES,
  refusalIn,
  viewOf,
} from './netlink-message.js';
import type { RoutingOptions } from './sock-diag.js';
import { IPPROTO_TCP } from './socket-options.js';

const RTM_GETLINK = 18;
const RTM_GETROUTE = 26;
const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;

/** `struct rtmsg`, `struct ifinfomsg`, `struct ndmsg`; attributes follow. */
const RTMSG_BYTES = 12;
const IFINFOMSG_BYTES = 16;
const NDMSG_BYTES = 12;

const RTA_DST = 1;
const RTA_SRC = 2;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_MARK = 16;
const RTA_VIA = 18;
const RTA_UID = 25;
const RTA_IP_PROTO = 27;
const RTA_SPORT = 28;
const RTA_DPORT = 29;
const RTN_LOCAL = 2;

const IFLA_IFNAME = 3;
const IFLA_CARRIER_CHANGES = 35;
const IFF_UP = 1;
/** linux/if.h: it is up, and has a carrier. */
const IFF_LOWER_UP = 0x10000;

/** linux/neighbour.h. */
const NDA_DST = 1;
const NDA_FLAGS_EXT = 15;
const NTF_ROUTER = 0x80;
const NUD_INCOMPLETE = 0x01;
const NUD_REACHABLE = 0x02;
const NUD_STALE = 0x04;
const NUD_DELAY = 0x08;
const NUD_PROBE = 0x10;
const NUD_FAILED = 0x20;

/** What a route is chosen by. */
export type Flow = RoutingOptions &
  Pick<HostSocket, 'local' | 'peer' | 'interfaceIndex' | 'userId'>;

export interface Route {
  readonly interfaceIndex: number;
  /** To an address of this host's own. */
  readonly isLocal: boolean;
  /** 4 or 16 bytes; undefined: the peer is on that link itself. */
  readonly router: Uint8Array | undefined;
}

export interface Link {
  readonly name: string;
  readonly isUp: boolean;
  readonly hasCarrier: boolean;
  /** How often it came or went. */
  readonly carrierChanges: number;
}

export interface Neighbour {
  /** `answers`: it did when it was last asked, or need not be; `asked`: it is, or is about to be. */
  readonly kind: 'answers' | 'asked' | 'silent';
  /** The kernel has found its address by itself, and nobody has a say in it. */
  readonly mayBeAsked: boolean;
}

interface Refused {
  readonly errno: number;
}

/** The route of what is sent on a connection: all that a rule may look at, and the next of several by its ports. */
export function encodeRouteRequest(flow: Flow): Buffer {
  const { local, peer, interfaceIndex, mark, userId, isTransparent } = flow;
  return routeRequest(routed(peer), isTransparent ? undefined : routed(local), [
    ...(interfaceIndex === 0 ? [] : [[RTA_OIF, u32(interfaceIndex)] as const]),
    ...(mark === 0 ? [] : [[RTA_MARK, u32(mark)] as const]),
    [RTA_UID, u32(userId)],
    [RTA_IP_PROTO, Uint8Array.of(IPPROTO_TCP)],
    [RTA_SPORT, be16(local.port)],
    [RTA_DPORT, be16(peer.port)],
  ]);
}

/** Whether an address is this host's own. */
export function encodeAddressRequest(address: string, interfaceIndex: number): Buffer {
  const isBound = interfaceIndex !== 0;
  return routeRequest(
    routed({ address }),
    undefined,
    isBound ? [[RTA_OIF, u32(interfaceIndex)]] : [],
  );
}

export function decodeRoute(reply: Buffer): Route | Refused {
  const fixed = fixedPart(reply, RTMSG_BYTES);
  if ('errno' in fixed) return fixed;
  const { view, at, attributes } = fixed;
  const family = view.getUint8(at);
  const oif = attribute(view, attributes, RTA_OIF, 4);
  return {
    interfaceIndex: oif === undefined ? 0 : view.getUint32(oif, true),
    isLocal: view.getUint8(at + 7) === RTN_LOCAL,
    router: routerIn(view, attributes, family),
  };
}

/** Of IPv4, and by way of an IPv6 router (RFC 5549). */
function routerIn(view: DataView, attributes: number, family: number): Uint8Array | undefined {
  const length = addressLength(family);
  const gateway = attribute(view, attributes, RTA_GATEWAY, length);
  if (gateway !== undefined) return copied(view, gateway, length);
  const via = attribute(view, attributes, RTA_VIA, 2);
  if (via === undefined) return undefined;
  const viaLength = addressLength(view.getUint16(via, true));
  const isWhole = attribute(view, attributes, RTA_VIA, 2 + viaLength) === via;
  return isWhole ? copied(view, via + 2, viaLength) : undefined;
}

export function encodeLinkRequest(index: number): Buffer {
  const fixed = Buffer.alloc(IFINFOMSG_BYTES);
  fixed.writeInt32LE(index, 4);
  return messageWith(RTM_GETLINK, fixed, []);
}

export function decodeLink(reply: Buffer): Link | Refused {
  const fixed = fixedPart(reply, IFINFOMSG_BYTES);
  if ('errno' in fixed) return fixed;
  const { view, at, attributes } = fixed;
  const flags = view.getUint32(at + 8, true);
  const name = attribute(view, attributes, IFLA_IFNAME, 1);
  const changes = attribute(view, attributes, IFLA_CARRIER_CHANGES, 4);
  return {
    name: name === undefined ? '' : textFrom(reply, name),
    isUp: (flags & IFF_UP) !== 0,
    hasCarrier: (flags & IFF_LOWER_UP) !== 0,
    carrierChanges: changes === undefined ? 0 : view.getUint32(changes, true),
  };
}

export function encodeNeighbourRequest(interfaceIndex: number, address: Uint8Array): Buffer {
  return neighbourRequest(RTM_GETNEIGH, interfaceIndex, address, 0);
}

/**
 * Has the kernel ask whether it is still there, as it does by itself every half a minute or so; what is sent
 * meanwhile goes on as before. Takes CAP_NET_ADMIN.
 */
export function encodeNeighbourQuestion(interfaceIndex: number, address: Uint8Array): Buffer {
  return neighbourRequest(RTM_NEWNEIGH, interfaceIndex, address, NUD_PROBE);
}

/** Nobody has asked for what is not there. */
export function decodeNeighbour(reply: Buffer): Neighbour {
  const fixed = fixedPart(reply, NDMSG_BYTES);
  if ('errno' in fixed) return { kind: 'answers', mayBeAsked: false };
  const { view, at, attributes } = fixed;
  const state = view.getUint16(at + 8, true);
  const isForeign =
    (view.getUint8(at + 10) & ~NTF_ROUTER) !== 0 ||
    attribute(view, attributes, NDA_FLAGS_EXT, 4) !== undefined;
  const isIn = (states: number) => (state & states) !== 0;
  const isSilent = isIn(NUD_FAILED | NUD_INCOMPLETE);
  return {
    kind: isSilent ? 'silent' : isIn(NUD_DELAY | NUD_PROBE) ? 'asked' : 'answers',
    mayBeAsked: isIn(NUD_REACHABLE | NUD_STALE | NUD_DELAY) && !isForeign,
  };
}

function neighbourRequest(
  type: number,
  interfaceIndex: number,
  address: Uint8Array,
  state: number,
): Buffer {
  const fixed = Buffer.alloc(NDMSG_BYTES);
  fixed.writeUInt8(familyOf(address), 0);
  fixed.writeInt32LE(interfaceIndex, 4);
  fixed.writeUInt16LE(state, 8);
  return messageWith(type, fixed, [[NDA_DST, address]], state === 0 ? 0 : NLM_F_ACK);
}

function routeRequest(
  to: Uint8Array,
  from: Uint8Array | undefined,
  more: Parameters<typeof messageWith>[2],
): Buffer {
  const fixed = Buffer.alloc(RTMSG_BYTES);
  fixed.writeUInt8(familyOf(to), 0);
  fixed.writeUInt8(to.length * 8, 1);
  fixed.writeUInt8((from?.length ?? 0) * 8, 2);
  return messageWith(RTM_GETROUTE, fixed, [
    [RTA_DST, to],
    ...(from === undefined ? [] : [[RTA_SRC, from] as const]),
    ...more,
  ]);
}

/** IPv4 mapped into IPv6 is sent as IPv4. */
function routed(end: Parameters<typeof bytesOf>[0]): Uint8Array {
  return bytesOf({ address: formatAddress(bytesOf(end)) });
}

interface FixedPart {
  readonly view: DataView;
  readonly at: number;
  /** Where they begin. */
  readonly attributes: number;
}

function fixedPart(reply: Buffer, bytes: number): FixedPart | Refused {
  const errno = refusalIn(reply);
  if (errno !== undefined) return { errno };
  const attributes = NLMSG_HEADER_BYTES + bytes;
  if (reply.length < attributes) return { errno: 0 };
  return { view: viewOf(reply), at: NLMSG_HEADER_BYTES, attributes };
}

function addressLength(family: number): number {
  return family === AF_INET6 ? 16 : 4;
}

function copied(view: DataView, at: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + at, length).slice();
}

/** Up to its zero byte. */
function textFrom(reply: Buffer, at: number): string {
  return reply.toString('utf8', at, Math.max(at, reply.indexOf(0, at)));
}

function u32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function be16(value: number): Uint8Array {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}
