/**
 * Checksums of ranges of held bytes, each in bounded time: what looks like a frame at every byte and is
 * none must not cost its whole length every time. Ranges are asked for in the order of their beginnings.
 *
 * Every STRIDE bytes a running sum is noted, for as long as those bytes are held. A range is summed
 * byte by byte up to its first note and from its last; what lies between comes from the notes.
 */
import type { Checksum } from './checksum.js';
import type { HeldBytes } from './held-bytes.js';

const STRIDE = 32;

export class RangeSum {
  readonly #checksum: Checksum;
  readonly #held: HeldBytes;
  /** Of the note at stream offset n × STRIDE: entry n, modulo its length. */
  #notes = new Uint16Array(0);
  readonly #noteCount: number;
  /** The offset of the last note. */
  #notedAt = -1;

  /** @param most bytes that are ever held */
  constructor(checksum: Checksum, held: HeldBytes, most: number) {
    this.#checksum = checksum;
    this.#held = held;
    this.#noteCount = Math.ceil(most / STRIDE) + 1;
  }

  /** Of the bytes held from `from` to before `to`. */
  of(from: number, to: number): number {
    const { offset } = this.#held;
    const first = Math.ceil((offset + from) / STRIDE) * STRIDE;
    const last = Math.floor((offset + to) / STRIDE) * STRIDE;
    if (last <= first) return this.#add(this.#checksum.initial, from, to);
    this.#note(first, last);
    const before = this.#add(this.#checksum.initial, from, first - offset);
    const length = last - first;
    const between = this.#checksum.skip(before, length, this.#noteOf(first), this.#noteOf(last));
    return this.#add(between, last - offset, to);
  }

  /** Where bytes went unnoted meanwhile, the running sum begins anew: only differences are asked for. */
  #note(first: number, last: number): void {
    if (this.#notes.length === 0) this.#notes = new Uint16Array(this.#noteCount);
    if (this.#notedAt < first) this.#put(first, 0);
    while (this.#notedAt < last) {
      const from = this.#notedAt - this.#held.offset;
      const sum = this.#add(this.#noteOf(this.#notedAt), from, from + STRIDE);
      this.#put(this.#notedAt + STRIDE, sum);
    }
  }

  #put(offset: number, sum: number): void {
    this.#notes[(offset / STRIDE) % this.#noteCount] = sum;
    this.#notedAt = offset;
  }

  #noteOf(offset: number): number {
    return this.#notes[(offset / STRIDE) % this.#noteCount] ?? 0;
  }

  #add(sum: number, from: number, to: number): number {
    let result = sum;
    for (const byte of this.#held.view(from, to)) result = this.#checksum.add(result, byte);
    return result;
  }
}
