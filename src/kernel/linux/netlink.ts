/** Asking sock_diag: one request, and the answer, which the kernel has ready at once. */
import { KernelRefusal } from '../kernel.js';
import type { Libc } from './libc.js';
import {
  AF_INET,
  AF_INET6,
  decodeSocketReply,
  DumpReader,
  encodeDumpRequest,
} from './sock-diag.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_SOCK_DIAG = 4;

/** The kernel fills at most 32 KiB of it at a time (netlink_dump, net/netlink/af_netlink.c). */
const ROOM_BYTES = 65_536;
/** At a time, of what is kept: large enough for large pages, of which the kernel has few to clear. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** @throws KernelRefusal when there is no sock_diag at all */
export function askSocket(libc: Libc, request: Buffer): ReturnType<typeof decodeSocketReply> {
  const fd = openSockDiag(libc);
  try {
    libc.send(fd, request);
    return decodeSocketReply(libc.receive(fd, Buffer.alloc(8192)));
  } finally {
    libc.close(fd);
  }
}

/** Every TCP socket, of IPv4 and then of IPv6, as the kernel writes them. */
export class Dump {
  readonly #libc: Libc;
  #torn = false;
  #idle = 0;

  constructor(libc: Libc) {
    this.#libc = libc;
  }

  /** Of those that have come, connections on which no timer is armed. */
  get idle(): number {
    return this.#idle;
  }

  /** Known when the last piece has come. */
  get torn(): boolean {
    return this.#torn;
  }

  /**
   * Each stands where the next will, in memory that is at hand, unless they are `kept`: fresh memory for
   * all of them takes a tenth of the time of the dump. @throws KernelRefusal
   */
  *pieces(kept?: 'kept'): Generator<Uint8Array, void> {
    const libc = this.#libc;
    let room: Buffer = Buffer.allocUnsafeSlow(kept === undefined ? ROOM_BYTES : KEPT_BYTES);
    const fd = openSockDiag(libc);
    try {
      for (const family of [AF_INET, AF_INET6] as const) {
        const reader = new DumpReader();
        libc.send(fd, encodeDumpRequest(family));
        for (let isOver = false; !isOver;) {
          const piece = receiveOrAgain(libc, fd, room, reader);
          isOver = reader.take(piece);
          if (kept !== undefined) room = behind(room, piece.length);
          yield piece;
        }
        if (reader.errno !== 0) throw new KernelRefusal('sock_diag', reader.errno);
        this.#torn ||= reader.torn;
        this.#idle += reader.idle;
      }
    } finally {
      libc.close(fd);
    }
  }
}

/** Room for the next piece that is kept. */
function behind(room: Buffer, bytes: number): Buffer {
  const rest = room.subarray(bytes);
  return rest.length < ROOM_BYTES ? Buffer.allocUnsafeSlow(KEPT_BYTES) : rest;
}

/** recv(2) may be interrupted by a signal, and says once when something was lost on the way. */
function receiveOrAgain(libc: Libc, fd: number, room: Buffer, reader: DumpReader): Buffer {
  for (;;) {
    try {
      return libc.receive(fd, room);
    } catch (error) {
      if (!(error instanceof KernelRefusal)) throw error;
      if (error.errno === ENOBUFS) reader.lost();
      else if (error.errno !== EINTR) throw error;
    }
  }
}

const EINTR = 4;
const ENOBUFS = 105;

export function openSockDiag(libc: Libc): number {
  return libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}
