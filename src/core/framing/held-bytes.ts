/**
 * What has come and is not yet a frame: bytes are added at its end and leave it at its beginning. A byte
 * is moved a bounded number of times however small the pieces are, and of an empty one nothing is kept.
 * It takes up to twice the most that was ever asked of it at once.
 */
export class HeldBytes {
  #bytes: Uint8Array = NONE;
  #from = 0;
  #to = 0;
  #offset = 0;

  /** @param bytes the first of them */
  constructor(bytes?: Uint8Array) {
    if (bytes !== undefined) this.add(bytes);
  }

  get length(): number {
    return this.#to - this.#from;
  }

  /** Where in the stream the first of them lies: how many have left. */
  get offset(): number {
    return this.#offset;
  }

  /** Undefined beyond the last. */
  at(index: number): number | undefined {
    return index < this.length ? this.#bytes[this.#from + index] : undefined;
  }

  /** -1: not among them. */
  indexOf(byte: number): number {
    const found = this.#bytes.subarray(0, this.#to).indexOf(byte, this.#from);
    return found < 0 ? -1 : found - this.#from;
  }

  /** To be read at once: what is added or leaves later may overwrite it. */
  view(from: number, to: number): Uint8Array {
    return this.#bytes.subarray(this.#from + from, this.#from + to);
  }

  add(more: Uint8Array): void {
    const needed = this.length + more.length;
    if (this.length === 0) {
      this.#bytes = new Uint8Array(more); // not slice: a Buffer's is no copy
      this.#from = 0;
    } else {
      if (this.#to + more.length > this.#bytes.length) this.#makeRoom(needed);
      this.#bytes.set(more, this.#to);
    }
    this.#to = this.#from + needed;
  }

  drop(count: number): void {
    this.#from += count;
    this.#offset += count;
    if (this.#from < this.#to) return;
    this.#bytes = NONE;
    this.#from = 0;
    this.#to = 0;
  }

  /** A move pays for itself: behind it there is room for as many bytes as were moved. */
  #makeRoom(needed: number): void {
    const held = this.view(0, this.length);
    const isHalfEmpty = needed * 2 <= this.#bytes.length;
    if (!isHalfEmpty) this.#bytes = new Uint8Array(needed * 2);
    this.#bytes.set(held);
    this.#to = held.length;
    this.#from = 0;
  }
}

const NONE = new Uint8Array(0);
