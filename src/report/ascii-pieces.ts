/**
 * ASCII text put together as bytes. For tens of thousands of lines: as a string each is a tree of its
 * parts, which V8 walks once more for the bytes, and clears away.
 */
import { digitsOf, LARGEST_WORD, MOST_DIGITS, putDigits } from './digits.js';

/** One write a line is slow, and one piece of everything takes as much memory again. */
const PIECE_BYTES = 256 * 1024;
/** For the line that fills it. */
const ROOM_BYTES = PIECE_BYTES + 4096;

export class AsciiPieces {
  #piece: Buffer = Buffer.allocUnsafe(ROOM_BYTES);
  #end = 0;
  #taken: Buffer | undefined;
  #spare: Buffer | undefined;

  /** Time to `take` it. */
  get isFull(): boolean {
    return this.#end >= PIECE_BYTES;
  }

  /** What has been written since the last time. */
  take(): Uint8Array {
    const piece = this.#piece.subarray(0, this.#end);
    this.#taken = this.#piece;
    this.#piece = this.#spare ?? Buffer.allocUnsafe(ROOM_BYTES);
    this.#spare = undefined;
    this.#end = 0;
    return piece;
  }

  /** What was taken last is written out, and may be written over: fresh memory costs as much as the text. */
  reuse(): void {
    this.#spare = this.#taken;
  }

  bytes(bytes: Uint8Array): void {
    this.#makeRoom(bytes.length);
    this.#piece.set(bytes, this.#end);
    this.#end += bytes.length;
  }

  text(text: string): void {
    this.#makeRoom(text.length);
    if (text.length > SHORT) this.#piece.write(text, this.#end, 'latin1');
    else for (let at = 0; at < text.length; at++) this.#piece[this.#end + at] = text.charCodeAt(at);
    this.#end += text.length;
  }

  /** As JSON has it. */
  number(value: number): void {
    if (value < 0 || value > LARGEST_WORD || !Number.isInteger(value)) {
      this.text(`${value}`);
      return;
    }
    this.#makeRoom(MOST_DIGITS);
    this.#end += digitsOf(value);
    putDigits(this.#piece, this.#end, value);
  }

  #makeRoom(bytes: number): void {
    const needed = this.#end + bytes;
    if (needed <= this.#piece.length) return;
    const larger = Buffer.allocUnsafe(2 * needed);
    larger.set(this.#piece.subarray(0, this.#end));
    this.#piece = larger;
  }
}

/** What is written sooner than it is handed over. */
const SHORT = 32;
