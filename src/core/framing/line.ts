/**
 * A frame is a line without its end, LF or CRLF. A line that is too long is skipped up to its end, and
 * the next one is a frame again. What we write ends with LF.
 */
import type { Codec, Decoded, Decoder } from '../frame.js';
import { UnpackedFrames, type Encoder } from './frames.js';
import { HeldBytes } from './held-bytes.js';

const LF = 0x0a;
const CR = 0x0d;

/** @param most bytes of a payload */
export function lineCodec(most: number): Codec {
  const lines: Codec = {
    encode(payload) {
      if (payload.length > most) {
        throw new RangeError(`a payload of ${payload.length} bytes is over ${most}`);
      }
      if (payload.includes(LF)) throw new RangeError('a line cannot hold a line feed');
      // Its own CR would be taken for half of the line's end.
      const end = payload.at(-1) === CR ? [CR, LF] : [LF];
      const line = new Uint8Array(payload.length + end.length);
      line.set(payload);
      line.set(end, payload.length);
      return line;
    },
    decoder: () => new LineDecoder(most, lines),
  };
  return lines;
}

class LineDecoder implements Decoder {
  readonly #most: number;
  readonly #encoder: Encoder;
  readonly #held = new HeldBytes();
  #isTooLong = false;

  constructor(most: number, encoder: Encoder) {
    this.#most = most;
    this.#encoder = encoder;
  }

  get isMidFrame(): boolean {
    return this.#isTooLong || this.#held.length > 0;
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  push(chunk: Uint8Array): Decoded {
    const frames: Uint8Array[] = [];
    let skippedBytes = 0;
    for (let at = 0; at < chunk.length; at++) {
      const end = chunk.indexOf(LF, at);
      const part = chunk.subarray(at, end < 0 ? undefined : end);
      skippedBytes += this.#take(part);
      if (end < 0) break;
      at = end;
      if (this.#isTooLong) skippedBytes++;
      else frames.push(this.#line());
      this.#isTooLong = false;
    }
    return {
      frames: new UnpackedFrames(frames, this.#encoder),
      skippedBytes,
      violation: undefined,
    };
  }

  /** @returns how many bytes were skipped, now that the line is known to be too long */
  #take(part: Uint8Array): number {
    const length = this.#held.length + part.length;
    const payloadLength = part.at(-1) === CR ? length - 1 : length;
    const wasJudged = part.length === 0;
    if (!this.#isTooLong && (payloadLength <= this.#most || wasJudged)) {
      this.#held.add(part);
      return 0;
    }
    this.#isTooLong = true;
    this.#held.drop(this.#held.length);
    return length;
  }

  #line(): Uint8Array {
    const { length } = this.#held;
    const payloadLength = this.#held.at(length - 1) === CR ? length - 1 : length;
    const line = new Uint8Array(this.#held.view(0, payloadLength));
    this.#held.drop(length);
    return line;
  }
}
