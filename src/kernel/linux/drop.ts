/** Silent drops on one socket (kernel socket filters, minimum TTL, hop limit), and their end. */
import type { DropEngine } from '../../core/result.js';
import type { VanishEngine } from '../../core/vanish-log.js';
import { AF_INET6 } from './addresses.js';
import type { Libc } from './libc.js';
import {
  DROP_ALL,
  DROP_DATA,
  dropShare,
  filterProgram,
  PASS_ALL,
  PASS_GOODBYES,
} from './socket-filter.js';
import { readInt, SO_DOMAIN, SOL_SOCKET, writeInt } from './socket-options.js';

const SO_ATTACH_FILTER = 26;
const SO_DETACH_FILTER = 27;

const IPPROTO_IP = 0;
const IP_MINTTL = 21;
const IPPROTO_IPV6 = 41;
const IPV6_MINHOPCOUNT = 73;
/** Loopback and every router in between send less; only a neighbour that means to sends 255. */
const LARGEST_TTL = 255;
const IP_TTL = 2;
const IPV6_UNICAST_HOPS = 16;
/** Whatever the route says, ip(7) and ipv6(7). */
const DEFAULT_HOP_LIMIT = -1;

export function cut(libc: Libc, fd: number, engine: DropEngine | VanishEngine): void {
  switch (engine) {
    case 'socket-filter':
      attach(libc, fd, DROP_ALL);
      break;
    case 'goodbye-filter':
      attach(libc, fd, PASS_GOODBYES);
      break;
    case 'data-filter':
      attach(libc, fd, DROP_DATA);
      break;
    case 'hop-limit':
      setForBothFamilies(libc, fd, HOP_LIMIT, 1);
      break;
    case 'min-ttl':
      setForBothFamilies(libc, fd, MINIMUM_TTL, LARGEST_TTL);
      break;
  }
}

export function heal(libc: Libc, fd: number, engine: DropEngine | VanishEngine): void {
  switch (engine) {
    case 'socket-filter':
    case 'goodbye-filter':
    case 'data-filter':
      writeInt(libc, fd, SOL_SOCKET, SO_DETACH_FILTER, 0);
      break;
    case 'hop-limit':
      setForBothFamilies(libc, fd, HOP_LIMIT, DEFAULT_HOP_LIMIT);
      break;
    case 'min-ttl':
      setForBothFamilies(libc, fd, MINIMUM_TTL, 0);
      break;
  }
}

/** @param share 0 to 1 */
export function lose(libc: Libc, fd: number, share: number): void {
  attach(libc, fd, dropShare(share));
}

/** Attaches a filter that drops nothing, and takes it off again. @throws KernelRefusal */
export function tryFilter(libc: Libc, fd: number): void {
  attach(libc, fd, PASS_ALL);
  heal(libc, fd, 'socket-filter');
}

function attach(libc: Libc, fd: number, instructions: Buffer): void {
  const program = filterProgram(instructions, libc.addressOf(instructions));
  libc.setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program);
}

const MINIMUM_TTL = { ipv6: IPV6_MINHOPCOUNT, ipv4: IP_MINTTL };
const HOP_LIMIT = { ipv6: IPV6_UNICAST_HOPS, ipv4: IP_TTL };

function setForBothFamilies(
  libc: Libc,
  fd: number,
  { ipv6, ipv4 }: { readonly ipv6: number; readonly ipv4: number },
  value: number,
): void {
  if (readInt(libc, fd, SOL_SOCKET, SO_DOMAIN) === AF_INET6) {
    writeInt(libc, fd, IPPROTO_IPV6, ipv6, value);
  }
  // Also on an IPv6 socket: it may carry a mapped IPv4 connection.
  writeInt(libc, fd, IPPROTO_IP, ipv4, value);
}
