/**
 * Framings: how payloads lie in the byte stream. Knows neither sockets nor time.
 *
 * `length16` is a 2-byte big-endian length, then the payload. An empty frame is a beat. A decoder
 * holds at most one frame's bytes, whatever a stranger sends.
 */
import { TcpaliveError } from '../errors.js';

export type Framing = 'length16' | 'raw';

const FRAMINGS: readonly Framing[] = ['length16', 'raw'];

/** The largest payload that a 16-bit length can announce. */
export const LARGEST_FRAME_BYTES = 0xffff;

export interface Codec {
  /** @throws RangeError when the payload is longer than `maxFrameBytes`, or than the framing can say. */
  encode(payload: Uint8Array): Uint8Array;
  /** A decoder for one connection. */
  decoder(): Decoder;
}

export interface Decoder {
  /** A frame has begun and is not complete. */
  readonly isMidFrame: boolean;
  /** All frames that `chunk` completes. After a `violation` the decoder must not be used again. */
  push(chunk: Uint8Array): Decoded;
}

export interface Decoded {
  readonly frames: readonly Uint8Array[];
  /** Why the stream cannot be read any further; undefined while it can. */
  readonly violation: string | undefined;
}

/** The frame that means "are you there?". */
export const BEAT = new Uint8Array(0);

export function codec(framing: Framing, maxFrameBytes: number): Codec {
  return framing === 'raw' ? rawCodec : length16Codec(maxFrameBytes);
}

/** @throws TcpaliveError BAD_USAGE */
export function parseFraming(text: string): Framing {
  const framing = FRAMINGS.find((known) => known === text);
  if (framing === undefined) {
    throw new TcpaliveError('BAD_USAGE', `'${text}' is not a framing: ${FRAMINGS.join(' or ')}`);
  }
  return framing;
}

function length16Codec(maxFrameBytes: number): Codec {
  const most = Math.min(maxFrameBytes, LARGEST_FRAME_BYTES);
  return {
    encode(payload) {
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
    return this.#payload !== undefined || this.#firstHeaderByte >= 0;
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
          return { frames, violation };
        }
        this.#payload = new Uint8Array(length);
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
    return { frames, violation: undefined };
  }
}

/** No framing at all: whatever arrives is echoed. A beat is the two bytes of an empty length16 frame. */
const rawCodec: Codec = {
  encode: (payload) => (payload.length === 0 ? new Uint8Array(2) : payload),
  decoder: () => ({
    isMidFrame: false,
    push: (chunk) => ({ frames: [chunk], violation: undefined }),
  }),
};
