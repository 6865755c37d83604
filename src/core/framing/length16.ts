/** A 2-byte big-endian length, then the payload. Once out of step it never finds its way back. */
import type { Codec, Decoded, Decoder } from '../frame.js';
import type { Frames } from './frames.js';
import { HeldBytes } from './held-bytes.js';

const HEADER_BYTES = 2;

/** One for all: most frames of an idle crowd are beats. */
export const BEAT_FRAME = new Uint8Array(HEADER_BYTES);

/** @param most bytes of a payload, at most what 16 bits can say */
export function length16Codec(most: number): Codec {
  return {
    encode(payload) {
      if (payload.length === 0) return BEAT_FRAME;
      if (payload.length > most) {
        throw new RangeError(`a payload of ${payload.length} bytes is over ${most}`);
      }
      const frame = new Uint8Array(HEADER_BYTES + payload.length);
      frame[0] = payload.length >> 8;
      frame[1] = payload.length & 0xff;
      frame.set(payload, HEADER_BYTES);
      return frame;
    },
    decoder: () => new Length16Decoder(most),
  };
}

class Length16Decoder implements Decoder {
  readonly #maxFrameBytes: number;
  /** The frame that has begun. */
  #held: HeldBytes | undefined;

  constructor(maxFrameBytes: number) {
    this.#maxFrameBytes = maxFrameBytes;
  }

  get isMidFrame(): boolean {
    return this.#held !== undefined;
  }

  get heldBytes(): number {
    return this.#held?.length ?? 0;
  }

  push(chunk: Uint8Array): Decoded {
    const held = this.#held;
    held?.add(chunk);
    const bytes = held?.view(0, held.length) ?? chunk;
    const { end, count, beats, announced } = wholeFrames(bytes, this.#maxFrameBytes);
    // A view of a Buffer is a Buffer too, and costs more than reading it: nearly always all of it is whole.
    const whole = end === bytes.length ? bytes : bytes.subarray(0, end);
    // What was held lies in a larger piece of memory.
    const frames = new GluedFrames(
      held === undefined ? whole : new Uint8Array(whole),
      count,
      beats,
    );
    if (announced > this.#maxFrameBytes) {
      this.#held = undefined;
      const violation = `frame of ${announced} bytes announced, at most ${this.#maxFrameBytes} accepted`;
      return { frames, skippedBytes: 0, violation };
    }
    if (end === bytes.length) this.#held = undefined;
    else if (held === undefined || count > 0) this.#held = new HeldBytes(bytes.subarray(end));
    return { frames, skippedBytes: 0, violation: undefined };
  }
}

/** Where the last of the whole frames ends that `bytes` begin with, and how long the next one says it is. */
function wholeFrames(bytes: Uint8Array, most: number) {
  let end = 0;
  let count = 0;
  let beats = 0;
  let announced = 0;
  while (end + HEADER_BYTES <= bytes.length) {
    announced = lengthAt(bytes, end);
    const next = end + HEADER_BYTES + announced;
    if (announced > most || next > bytes.length) break;
    end = next;
    count++;
    if (announced === 0) beats++;
  }
  return { end, count, beats, announced };
}

/** As they came, header and all. */
class GluedFrames implements Frames {
  readonly #bytes: Uint8Array;

  constructor(
    bytes: Uint8Array,
    readonly count: number,
    readonly beats: number,
  ) {
    this.#bytes = bytes;
  }

  payloads(): readonly Uint8Array[] {
    const payloads: Uint8Array[] = [];
    for (let at = 0; at < this.#bytes.length;) {
      const from = at + HEADER_BYTES;
      at = from + lengthAt(this.#bytes, at);
      payloads.push(new Uint8Array(this.#bytes.subarray(from, at)));
    }
    return payloads;
  }

  echo(): Uint8Array {
    return this.#bytes;
  }
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}
