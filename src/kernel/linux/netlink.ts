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
export const ROOM_BYTES = 65_536;

/** @throws KernelRefusal when there is no sock_diag at all */
export function askSocket(libc: Libc, request: Buffer): ReturnType<typeof decodeSocketReply> {
  return withSockDiag(libc, (fd) => {
    libc.send(fd, request);
    return decodeSocketReply(libc.receive(fd, Buffer.alloc(8192)));
  });
}

/**
 * Every TCP socket, of IPv4 and then of IPv6, as the kernel writes them.
 * @param keep is handed each piece, and returns where the next may be put
 * @returns whether it is torn
 * @throws KernelRefusal
 */
export function dumpSockets(libc: Libc, keep: (piece: Buffer) => Buffer): boolean {
  let room: Buffer = Buffer.alloc(ROOM_BYTES);
  return withSockDiag(libc, (fd) => {
    const readers = ([AF_INET, AF_INET6] as const).map((family) => {
      const reader = new DumpReader();
      libc.send(fd, encodeDumpRequest(family));
      for (let isOver = false; !isOver;) {
        const piece = receiveOrAgain(libc, fd, room, reader);
        isOver = reader.take(piece);
        room = keep(piece);
      }
      if (reader.errno !== 0) throw new KernelRefusal('sock_diag', reader.errno);
      return reader;
    });
    return readers.some(({ torn }) => torn);
  });
}

/** Keeps a dump as it comes, in large blocks: memory for each piece takes longer than what is copied there. */
export class KeptDump {
  readonly pieces: Buffer[] = [];
  #block: Buffer = Buffer.alloc(0);

  /** What is kept stands where the block begins. */
  keep(piece: Buffer): Buffer {
    this.pieces.push(piece);
    this.#block = this.#block.subarray(piece.length);
    if (this.#block.length < ROOM_BYTES) this.#block = Buffer.allocUnsafeSlow(BLOCK_BYTES);
    return this.#block;
  }
}

const BLOCK_BYTES = 1024 * 1024;

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

function withSockDiag<T>(libc: Libc, work: (fd: number) => T): T {
  const fd = libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
  try {
    return work(fd);
  } finally {
    libc.close(fd);
  }
}
