/** A 2-byte big-endian length, then the payload. Once out of step it never finds its way back. */
import type { Codec, Decoded, Decoder } from '../frame.js';

/** A beat and its payload, one for all: most frames of an idle crowd are beats. */
export const BEAT_FRAME = new Uint8Array(2);
const NO_PAYLOAD = new Uint8Array(0);

/** @param most bytes of a payload, at most what 16 bits can say */
export function length16Codec(most: number): Codec {
  return {
    encode(payload) {
      if (payload.length === 0) return BEAT_FRAME;
      if (payload.length > most) {
        throw new RangeError(`a payload of ${payload.length} bytes is over ${most}`);
      }
      const frame = new Uint8Array(2 + payload.length);
      frame[0] = payload.length >> 8;
      frame[1] = payload.length & 0xff;
      frame.set(payload, 2);
      return frame;
    },
    decoder: () => new Length16Decoder(most),
  };
}

class Length16Decoder implements Decoder {
  readonly #maxFrameBytes: number;
  /** Header bytes seen of the current frame: -1 none, otherwise the first one's value. */
  #firstHeaderByte = -1;
  /** The current frame's payload, allocated once its length is known and found acceptable. */
  #payload: Uint8Array | undefined;
  #filled = 0;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  get isMidFrame(): boolean {
    return this.#firstHeaderByte >= 0 || this.#payload !== undefined;
  }

  get heldBytes(): number {
    if (this.#payload !== undefined) return 2 + this.#filled;
    return this.#firstHeaderByte < 0 ? 0 : 1;
  }

  push(chunk: Uint8Array): Decoded {
    const frames: Uint8Array[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#payload === undefined) {
        const byte = chunk[at++] ?? 0;
        if (this.#firstHeaderByte < 0) {
          this.#firstHeaderByte = byte;
          continue;
        }
        const length = (this.#firstHeaderByte << 8) | byte;
        this.#firstHeaderByte = -1;
        if (length > this.#maxFrameBytes) {
          const violation = `frame of ${length} bytes announced, at most ${this.#maxFrameBytes} accepted`;
          return { frames, skippedBytes: 0, violation };
        }
        this.#payload = length === 0 ? NO_PAYLOAD : new Uint8Array(length);
        this.#filled = 0;
      }
      const wanted = this.#payload.length - this.#filled;
      const part = chunk.subarray(at, at + wanted);
      this.#payload.set(part, this.#filled);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#payload.length) {
        frames.push(this.#payload);
        this.#payload = undefined;
      }
    }
    return { frames, skippedBytes: 0, violation: undefined };
  }
}
