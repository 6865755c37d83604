/** The table of all TCP sockets, read now, and kept as the kernel wrote it. */
import { KernelRefusal } from '../kernel.js';
import type { SocketTable } from '../socket-view.js';
import { DumpReader } from './dump-reader.js';
import type { Libc } from './libc.js';
import { openSockDiag, receiveOrAgain } from './netlink.js';
import { encodeDumpRequest } from './sock-diag.js';

/** The kernel fills at most 32 KiB of it at a time (netlink_dump, net/netlink/af_netlink.c). */
const ROOM_BYTES = 65_536;
/** At a time: large enough for large pages, of which the kernel has few to clear. */
const KEPT_BYTES = 4 * 1024 * 1024;

/** @throws KernelRefusal */
export function keptTable(libc: Libc): SocketTable {
  const reader = new DumpReader();
  readAll(libc, reader);
  if (reader.errno !== 0) throw new KernelRefusal('sock_diag', reader.errno);
  return { ...reader.told, torn: reader.torn };
}

function readAll(libc: Libc, reader: DumpReader): void {
  let room: Buffer = Buffer.allocUnsafeSlow(KEPT_BYTES);
  const fd = openSockDiag(libc);
  try {
    libc.send(fd, encodeDumpRequest());
    for (let isOver = false; !isOver;) {
      const piece = receiveOrAgain(libc, fd, room, reader);
      isOver = reader.take(piece);
      room = behind(room, piece.length);
    }
  } finally {
    libc.close(fd);
  }
}

/** Room for the next piece. */
function behind(room: Buffer, bytes: number): Buffer {
  const rest = room.subarray(bytes);
  return rest.length < ROOM_BYTES ? Buffer.allocUnsafeSlow(KEPT_BYTES) : rest;
}
