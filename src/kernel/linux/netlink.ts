/** Asking the kernel over netlink: one request, and the answer, which it has ready at once. */
import { KernelRefusal } from '../kernel.js';
import type { DumpReader } from './dump-reader.js';
import type { Libc } from './libc.js';
import { decodeSocketReply } from './sock-diag.js';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const NETLINK_ROUTE = 0;
const NETLINK_SOCK_DIAG = 4;

/** A link's answer, which is the longest, has some 2 KiB. */
export const REPLY_BYTES = 16_384;

/** @throws KernelRefusal when there is no sock_diag at all */
export function askSocket(libc: Libc, request: Buffer): ReturnType<typeof decodeSocketReply> {
  const fd = openSockDiag(libc);
  try {
    return decodeSocketReply(answerTo(libc, fd, request, Buffer.alloc(REPLY_BYTES)));
  } finally {
    libc.close(fd);
  }
}

/** In `room`. @throws KernelRefusal */
export function answerTo(libc: Libc, fd: number, request: Buffer, room: Buffer): Buffer {
  libc.send(fd, request);
  return libc.receive(fd, room);
}

/**
 * The next message of a dump. recv(2) may be interrupted by a signal, and says once when something was lost on
 * the way. @throws KernelRefusal
 */
export function receiveOrAgain(libc: Libc, fd: number, room: Buffer, reader: DumpReader): Buffer {
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

export function openRoutes(libc: Libc): number {
  return libc.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
}
