/** A dump of the table of TCP sockets, piece by piece: whether it is all, and whole, and what is in it. */
import type { SocketsTold } from '../../core/idle-sockets.js';
import type { HostSocket } from '../../core/socket.js';
import {
  align,
  NLM_F_DUMP_INTR,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HEADER_BYTES,
} from './netlink-message.js';
import { ENTRY_WORDS, SocketDecoder } from './socket-decoder.js';
import { wordsOf } from './words.js';

const NLMSG_HEADER_WORDS = NLMSG_HEADER_BYTES / 4;

export class DumpReader {
  readonly #decoder = new SocketDecoder();
  #timed: Entry[] = [];
  #torn = false;
  #errno = 0;

  get torn(): boolean {
    return this.#torn;
  }

  /** Why there is no more; 0: none. */
  get errno(): number {
    return this.#errno;
  }

  /** What was taken since the last part. */
  get told(): SocketsTold {
    return { timed: new Timed(this.#timed, this.#decoder), idle: this.#decoder.idle };
  }

  /** Something has not come (ENOBUFS). */
  lost(): void {
    this.#torn = true;
  }

  /** Another part begins: what was told is gone. */
  nextPart(): void {
    this.#timed = [];
    this.#decoder.forgetIdle();
  }

  /** @returns whether that was all */
  take(piece: Uint8Array): boolean {
    const words = wordsOf(piece);
    for (let at = 0; at + NLMSG_HEADER_WORDS <= words.length;) {
      const length = words[at] ?? 0;
      const end = at + (length >>> 2);
      if (length < NLMSG_HEADER_BYTES || 4 * at + length > piece.length) {
        this.#torn = true;
        return true;
      }
      const kind = words[at + 1] ?? 0;
      if (((kind >>> 16) & NLM_F_DUMP_INTR) !== 0) this.#torn = true;
      const body = at + NLMSG_HEADER_WORDS;
      const type = kind & 0xffff;
      if (type === NLMSG_DONE || type === NLMSG_ERROR) {
        // A dump that failed is done, too: with the errno that made it so.
        this.#errno = body < end ? Math.abs((words[body] ?? 0) | 0) : 0;
        return true;
      }
      if (body + ENTRY_WORDS <= end && !this.#decoder.takeIdle(words, body, end)) {
        this.#timed.push({ words, at: body, end });
      }
      at += align(length) >>> 2;
    }
    return false;
  }
}

interface Entry {
  readonly words: Uint32Array;
  readonly at: number;
  readonly end: number;
}

/** Decoded each time that they are walked through: as objects they would take longer to clear away. */
class Timed implements Iterable<HostSocket> {
  readonly #entries: readonly Entry[];
  readonly #decoder: SocketDecoder;

  constructor(entries: readonly Entry[], decoder: SocketDecoder) {
    this.#entries = entries;
    this.#decoder = decoder;
  }

  [Symbol.iterator](): Iterator<HostSocket, undefined> {
    return new Decoding(this.#entries, this.#decoder);
  }
}

/** No generator: what V8 has compiled of one's loop it leaves when the next begins, and compiles it again. */
class Decoding implements Iterator<HostSocket, undefined> {
  readonly #entries: readonly Entry[];
  readonly #decoder: SocketDecoder;
  #taken = 0;

  constructor(entries: readonly Entry[], decoder: SocketDecoder) {
    this.#entries = entries;
    this.#decoder = decoder;
  }

  next(): IteratorResult<HostSocket, undefined> {
    const entry = this.#entries[this.#taken++];
    if (entry === undefined) return { done: true, value: undefined };
    const { words, at, end } = entry;
    return { done: false, value: this.#decoder.decode(words, at, end) };
  }
}
