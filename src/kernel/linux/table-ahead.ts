/**
 * The table of all TCP sockets, read by threads of koffi's beside this one, which has enough to do
 * meanwhile: for so many that the kernel takes tens of milliseconds to write them down.
 */
import { KernelRefusal } from '../kernel.js';
import type { SocketTable } from '../socket-view.js';
import type { Libc } from './libc.js';
import { openSockDiag } from './netlink.js';
import { socketsInUse } from './proc.js';
import { AF_INET, AF_INET6, decodeSockets, DumpReader, encodeDumpRequest } from './sock-diag.js';

/** Fewer are there before a thread is. */
const MANY_SOCKETS = 5000;

/** The kernel fills no more of a room (netlink_dump, net/netlink/af_netlink.c). */
const ROOM_BYTES = 32_768;
/** Of a socket with its tcp_info it writes 408 on Linux 6.18. */
const ENTRY_BYTES = 512;
/** For the first message, which is smaller, the last, and what is opened meanwhile. */
const SPARE_ROOMS = 4;
/** UIO_MAXIOV, linux/uio.h. */
const MOST_ROOMS = 1024;

/** Undefined where it does not pay; what could not be read ahead is undefined in the end. */
export function readTableAhead(
  libc: Libc,
  sockets = socketsInUse(),
): Promise<SocketTable | undefined> | undefined {
  return sockets.ipv4 + sockets.ipv6 < MANY_SOCKETS ? undefined : tableFrom(libc, sockets);
}

async function tableFrom(
  libc: Libc,
  { ipv4, ipv6 }: ReturnType<typeof socketsInUse>,
): Promise<SocketTable | undefined> {
  const [first, second] = await Promise.all([
    dumpFamily(libc, AF_INET, ipv4),
    dumpFamily(libc, AF_INET6, ipv6),
  ]);
  if (first === undefined || second === undefined) return undefined;
  return {
    sockets: decodeEach([...first.pieces, ...second.pieces]),
    torn: first.reader.torn || second.reader.torn,
    idle: first.reader.idle + second.reader.idle,
  };
}

function decodeEach(pieces: readonly Uint8Array[]): SocketTable['sockets'] {
  return { [Symbol.iterator]: () => decodeSockets(pieces) };
}

interface Dumped {
  readonly pieces: readonly Uint8Array[];
  readonly reader: DumpReader;
}

/** Undefined: the kernel refused, and will say why to whoever asks again. */
async function dumpFamily(...args: Parameters<typeof tryToDump>): ReturnType<typeof tryToDump> {
  try {
    return await tryToDump(...args);
  } catch (error) {
    if (error instanceof KernelRefusal) return undefined;
    throw error;
  }
}

async function tryToDump(
  libc: Libc,
  family: typeof AF_INET | typeof AF_INET6,
  sockets: number,
): Promise<Dumped | undefined> {
  const rooms = Math.ceil((sockets * ENTRY_BYTES) / ROOM_BYTES) + SPARE_ROOMS;
  const fd = openSockDiag(libc);
  try {
    libc.send(fd, encodeDumpRequest(family));
    const reader = new DumpReader();
    const pieces: Uint8Array[] = [];
    for (let isOver = false; !isOver;) {
      const come = await receiveRooms(libc, fd, Math.min(rooms, MOST_ROOMS));
      if (come.length === 0) return undefined;
      for (const piece of come) isOver = reader.take(piece);
      pieces.push(...come);
    }
    return reader.errno === 0 ? { pieces, reader } : undefined;
  } finally {
    libc.close(fd);
  }
}

/** `struct mmsghdr` in words of eight bytes: where its iovecs are, how many, and how much has come; `struct iovec`. */
const HEADER_WORDS = 8;
const VECTORS_WORD = 2;
const VECTOR_COUNT_WORD = 3;
const LENGTH_WORD = 7;
const VECTOR_WORDS = 2;
const WORD_BYTES = 8;

/** Rooms that nothing comes into are never touched, and so take no memory. */
async function receiveRooms(libc: Libc, fd: number, rooms: number): Promise<readonly Uint8Array[]> {
  const room = Buffer.allocUnsafeSlow(rooms * ROOM_BYTES);
  libc.wantLargePages(room);
  const words = new BigUint64Array(rooms * (HEADER_WORDS + VECTOR_WORDS));
  const headers = Buffer.from(words.buffer);
  const [roomAddress, headersAddress] = [libc.addressOf(room), libc.addressOf(headers)];
  for (let at = 0; at < rooms; at++) {
    const header = at * HEADER_WORDS;
    const vector = rooms * HEADER_WORDS + at * VECTOR_WORDS;
    words[header + VECTORS_WORD] = headersAddress + BigInt(vector * WORD_BYTES);
    words[header + VECTOR_COUNT_WORD] = 1n;
    words[vector] = roomAddress + BigInt(at * ROOM_BYTES);
    words[vector + 1] = BigInt(ROOM_BYTES);
  }
  const come = await libc.receiveMany(fd, headers, rooms);
  return Array.from({ length: come }, (_, at) => {
    const from = at * ROOM_BYTES;
    const length = headers.readUInt32LE((at * HEADER_WORDS + LENGTH_WORD) * WORD_BYTES);
    return room.subarray(from, from + length);
  });
}
