/**
 * The table of all TCP sockets as it comes: a thread of koffi's has the kernel write the next part of it while
 * this one walks through the last.
 */
import { msBetween, type Instant } from '../../core/time.js';
import { monotonicNow } from '../clock.js';
import { KernelRefusal } from '../kernel.js';
import type { ComingTable, TablePart } from '../socket-view.js';
import { DumpReader } from './dump-reader.js';
import type { Libc } from './libc.js';
import { openSockDiag, receiveOrAgain } from './netlink.js';
import { encodeDumpRequest } from './sock-diag.js';

/** The kernel fills no more of a room (netlink_dump, net/netlink/af_netlink.c), with some 80 sockets. */
const ROOM_BYTES = 32_768;
/** Of a part that takes the kernel, and whoever walks through it, some 10 ms. */
const FEW_ROOMS = 64;
/**
 * Of one that takes the kernel 25 ms, as long as it takes to look up who holds them. Larger, it is waited for;
 * and of 32 MiB outside its heap V8 collects garbage at once.
 */
const MANY_ROOMS = 256;

/**
 * @param when it is walked through: at once, or after so much else that much of it may come meanwhile
 * @throws KernelRefusal
 */
export function beginTable(libc: Libc, when: 'at once' | 'later' = 'at once'): ComingTable {
  const fd = openSockDiag(libc);
  try {
    libc.send(fd, encodeDumpRequest());
    return new DumpedTable(libc, fd, new Rooms(libc, when === 'later' ? MANY_ROOMS : FEW_ROOMS));
  } catch (error) {
    libc.close(fd);
    throw error;
  }
}

class DumpedTable implements ComingTable {
  readonly askedAt = new Date();
  readonly #askedAt: Instant = monotonicNow();
  readonly #libc: Libc;
  readonly #fd: number;
  readonly #reader = new DumpReader();
  /** Of the first part, and of every other. */
  readonly #rooms: Rooms;
  #coming: Promise<readonly Uint8Array[]>;

  /** @param fd asked already; from now on this table's */
  constructor(libc: Libc, fd: number, rooms: Rooms) {
    this.#libc = libc;
    this.#fd = fd;
    this.#rooms = rooms;
    this.#coming = rooms.fill(fd);
  }

  get torn(): boolean {
    return this.#reader.torn;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<TablePart, void> {
    const first = this.#rooms;
    let second: Rooms | undefined;
    try {
      for (let rooms = first; ;) {
        const come = await this.#coming;
        const pieces = come.length > 0 ? come : [rooms.receive(this.#fd, this.#reader)];
        // Meanwhile this one is walked through. Behind the last there is nothing.
        rooms = rooms === first ? (second ??= new Rooms(this.#libc, first.count)) : first;
        this.#coming = rooms.fill(this.#fd);
        const withinMs = msBetween(this.#askedAt, monotonicNow());
        this.#reader.nextPart();
        const isOver = pieces.map((piece) => this.#reader.take(piece)).includes(true);
        yield { ...this.#reader.told, withinMs };
        if (isOver) break;
      }
      const { errno } = this.#reader;
      if (errno !== 0) throw new KernelRefusal('sock_diag', errno);
    } finally {
      // What writes into the rooms must not outlive them.
      await this.#coming;
      this.#libc.close(this.#fd);
    }
  }
}

/** `struct mmsghdr` in words of eight bytes: where its iovecs are, how many, and how much has come; `struct iovec`. */
const HEADER_WORDS = 8;
const VECTORS_WORD = 2;
const VECTOR_COUNT_WORD = 3;
const LENGTH_WORD = 7;
const VECTOR_WORDS = 2;
const WORD_BYTES = 8;

/** Where messages are received side by side: those that nothing comes into are never touched, and take no memory. */
class Rooms {
  readonly count: number;
  readonly #libc: Libc;
  readonly #bytes: Buffer;
  readonly #headers: Buffer;

  constructor(libc: Libc, count: number) {
    this.#libc = libc;
    this.count = count;
    this.#bytes = Buffer.allocUnsafeSlow(count * ROOM_BYTES);
    libc.wantLargePages(this.#bytes);
    const words = new BigUint64Array(count * (HEADER_WORDS + VECTOR_WORDS));
    this.#headers = Buffer.from(words.buffer);
    const [bytesAddress, headersAddress] = [
      libc.addressOf(this.#bytes),
      libc.addressOf(this.#headers),
    ];
    for (let at = 0; at < count; at++) {
      const header = at * HEADER_WORDS;
      const vector = count * HEADER_WORDS + at * VECTOR_WORDS;
      words[header + VECTORS_WORD] = headersAddress + BigInt(vector * WORD_BYTES);
      words[header + VECTOR_COUNT_WORD] = 1n;
      words[vector] = bytesAddress + BigInt(at * ROOM_BYTES);
      words[vector + 1] = BigInt(ROOM_BYTES);
    }
  }

  /** By another thread. What came, over what came before; nothing, where it failed. */
  async fill(fd: number): Promise<readonly Uint8Array[]> {
    const come = await this.#libc.receiveMany(fd, this.#headers, this.count);
    return Array.from({ length: come }, (_, at) => {
      const from = at * ROOM_BYTES;
      const length = this.#headers.readUInt32LE((at * HEADER_WORDS + LENGTH_WORD) * WORD_BYTES);
      return this.#bytes.subarray(from, from + length);
    });
  }

  /** One message, by this thread, which learns why there is none. @throws KernelRefusal */
  receive(fd: number, reader: DumpReader): Uint8Array {
    return receiveOrAgain(this.#libc, fd, this.#bytes.subarray(0, ROOM_BYTES), reader);
  }
}
