import type { Codec } from '../frame.js';

/**
 * Whole frames that came one after another: to be looked at in the call that hands them over, since what is read
 * next, on any connection, may stand where they stood.
 */
export interface Frames {
  readonly count: number;
  /** Those of them that are empty. */
  readonly beats: number;
  /** What they carry: copies, made when asked for. */
  payloads(): readonly Uint8Array[];
  /** All of them as they are written, in order: often the very bytes that they were read from. */
  echo(): Uint8Array;
}

export type Encoder = Pick<Codec, 'encode'>;

/** Frames that had to be taken apart to be found. */
export class UnpackedFrames implements Frames {
  readonly #payloads: readonly Uint8Array[];
  readonly #encoder: Encoder;

  constructor(payloads: readonly Uint8Array[], encoder: Encoder) {
    this.#payloads = payloads;
    this.#encoder = encoder;
  }

  get count(): number {
    return this.#payloads.length;
  }

  get beats(): number {
    return this.#payloads.filter(({ length }) => length === 0).length;
  }

  payloads(): readonly Uint8Array[] {
    return this.#payloads;
  }

  echo(): Uint8Array {
    const frames = this.#payloads.map((payload) => this.#encoder.encode(payload));
    const all = new Uint8Array(frames.reduce((sum, { length }) => sum + length, 0));
    let at = 0;
    for (const frame of frames) {
      all.set(frame, at);
      at += frame.length;
    }
    return all;
  }
}
