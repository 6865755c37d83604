/** Which process holds each socket. */
import type { SocketOwner } from '../core/socket.js';
import type { HeldSockets } from '../kernel/socket-view.js';

/** Of a socket that several processes hold, the one with the lowest number. */
export class Owners {
  /** Processes that this user may not look into: what they hold has no owner here. */
  readonly hidden: number;
  readonly #numbers: Uint32Array;
  /** Where in the numbers each socket stands: open addressing. A Map of as many takes five times as long. */
  readonly #places: Int32Array;
  readonly #shift: number;

  constructor({ numbers, hidden }: HeldSockets) {
    this.hidden = hidden;
    this.#numbers = numbers;
    // Three times as many places as sockets, or more: there is always a free one to end at.
    const bits = Math.ceil(Math.log2(numbers.length + 2));
    this.#shift = 32 - bits;
    this.#places = new Int32Array(2 ** bits).fill(FREE);
    for (let at = 0; at + 2 < numbers.length; at += 3) {
      const place = this.#placeOf(numbers[at + 2] ?? 0);
      if (this.#places[place] === FREE) this.#places[place] = at;
    }
  }

  /** How many descriptors of sockets are known, not of TCP alone. */
  get size(): number {
    return this.#numbers.length / 3;
  }

  of(inode: number): SocketOwner | undefined {
    const at = this.#places[this.#placeOf(inode)] ?? FREE;
    return at === FREE
      ? undefined
      : { pid: this.#numbers[at] ?? 0, fd: this.#numbers[at + 1] ?? 0 };
  }

  /** Where it stands, or would. */
  #placeOf(inode: number): number {
    const last = this.#places.length - 1;
    // Inodes come in rows: scattered they do not pile up.
    const first = Math.imul(inode, GOLDEN) >>> this.#shift;
    for (let place = first; ; place = (place + 1) & last) {
      const at = this.#places[place] ?? FREE;
      if (at === FREE || this.#numbers[at + 2] === inode) return place;
    }
  }
}

const FREE = -1;
/** 2^32 divided by the golden ratio (Knuth, The Art of Computer Programming 3, 6.4). */
const GOLDEN = 0x9e37_79b1;
