/** Which process holds each socket. */
import type { SocketOwner } from '../core/socket.js';
import type { HeldSockets } from '../kernel/socket-view.js';

/** Of a socket that several processes hold, the one with the lowest number. */
export class Owners {
  /** Processes that this user may not look into: what they hold has no owner here. */
  readonly hidden: number;
  /** Three for each: process, descriptor, inode. */
  readonly numbers: Uint32Array;
  /** Open addressing: the inode of each place, and where in the numbers it stands. A Map takes five times as long. */
  readonly #inodes: Uint32Array;
  readonly #places: Uint32Array;
  readonly #shift: number;

  constructor({ numbers, hidden }: HeldSockets) {
    this.hidden = hidden;
    this.numbers = numbers;
    // Three times as many places as sockets, or more: there is always a free one to end at.
    const bits = Math.ceil(Math.log2(numbers.length + 2));
    this.#shift = 32 - bits;
    this.#inodes = new Uint32Array(2 ** bits);
    this.#places = new Uint32Array(2 ** bits);
    for (let at = 0; at + 2 < numbers.length; at += 3) {
      const inode = numbers[at + 2] ?? FREE;
      const place = this.#placeOf(inode);
      if (this.#inodes[place] === FREE) {
        this.#inodes[place] = inode;
        this.#places[place] = at;
      }
    }
  }

  /** How many descriptors of sockets are known, not of TCP alone. */
  get size(): number {
    return this.numbers.length / 3;
  }

  of(inode: number): SocketOwner | undefined {
    const at = this.find(inode);
    return at < 0 ? undefined : { pid: this.numbers[at] ?? 0, fd: this.numbers[at + 1] ?? 0 };
  }

  /** Where in the numbers it stands; below 0: nowhere. For tens of thousands, of which none becomes an object. */
  find(inode: number): number {
    const place = this.#placeOf(inode);
    return this.#inodes[place] === FREE ? -1 : (this.#places[place] ?? 0);
  }

  /** Where it stands, or would. */
  #placeOf(inode: number): number {
    const inodes = this.#inodes;
    const last = inodes.length - 1;
    // Inodes come in rows: scattered they do not pile up.
    const first = Math.imul(inode, GOLDEN) >>> this.#shift;
    for (let place = first; ; place = (place + 1) & last) {
      const there = inodes[place];
      if (there === FREE || there === inode) return place;
    }
  }
}

/** No socket has it: sock_diag says so of what no process holds. */
const FREE = 0;
/** 2^32 divided by the golden ratio (Knuth, The Art of Computer Programming 3, 6.4). */
const GOLDEN = 0x9e37_79b1;
