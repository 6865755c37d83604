/**
 * Frames with a start, a length, a checksum and an end. Whatever does not check out from its first byte
 * to its last is no frame: it is searched for the next start from its second byte on, and a frame that
 * lies behind or within garbage is found.
 *
 * Linear in the bytes: each is passed over once, and at each stands at most one candidate, whose
 * checksum takes bounded time (range-sum.ts).
 */
import type { Codec, Decoded, Decoder } from '../frame.js';
import { checksums, type Checksum } from './checksum.js';
import { UnpackedFrames, type Encoder } from './frames.js';
import { HeldBytes } from './held-bytes.js';
import type { LengthName, MarkedShape } from './marked-shape.js';
import { RangeSum } from './range-sum.js';

/** @param most bytes of a payload; no more than the length can say */
export function markedCodec(shape: MarkedShape, most: number): Codec {
  const layout = layoutOf(shape, most);
  const { checksum } = layout;
  const marked: Codec = {
    encode(payload) {
      if (payload.length > layout.most) {
        throw new RangeError(`a payload of ${payload.length} bytes is over ${layout.most}`);
      }
      const frame = new Uint8Array(layout.overheadBytes + payload.length);
      let at = 0;
      for (const field of shape.header) {
        if (typeof field === 'number') frame[at++] = field;
        else for (const byte of lengthBytes(field, payload.length)) frame[at++] = byte;
      }
      frame.set(payload, at);
      at += payload.length;
      let sum = checksum.initial;
      for (const byte of payload) sum = checksum.add(sum, byte);
      for (const byte of lowerFirst(sum, checksum.bytes)) frame[at++] = byte;
      frame.set(shape.end, at);
      return frame;
    },
    decoder: () => new MarkedDecoder(layout, marked),
  };
  return marked;
}

interface Layout {
  readonly shape: MarkedShape;
  readonly checksum: Checksum;
  /** Bytes of a payload. */
  readonly most: number;
  readonly headerBytes: number;
  /** Header, checksum and end. */
  readonly overheadBytes: number;
}

class MarkedDecoder implements Decoder {
  readonly #layout: Layout;
  readonly #encoder: Encoder;
  readonly #held = new HeldBytes();
  readonly #sums: RangeSum;
  readonly #largest: number;

  constructor(layout: Layout, encoder: Encoder) {
    this.#layout = layout;
    this.#encoder = encoder;
    this.#largest = layout.most + layout.overheadBytes;
    this.#sums = new RangeSum(layout.checksum, this.#held, this.#largest);
  }

  get isMidFrame(): boolean {
    return this.#held.length > 0;
  }

  get heldBytes(): number {
    return this.#held.length;
  }

  push(chunk: Uint8Array): Decoded {
    const frames: Uint8Array[] = [];
    let skippedBytes = 0;
    for (let at = 0; at < chunk.length;) {
      const room = this.#largest - this.#held.length;
      const part = chunk.subarray(at, at + room);
      this.#held.add(part);
      at += part.length;
      skippedBytes += this.#read(frames);
    }
    return {
      frames: new UnpackedFrames(frames, this.#encoder),
      skippedBytes,
      violation: undefined,
    };
  }

  /** @returns how many bytes were skipped */
  #read(frames: Uint8Array[]): number {
    const { shape, headerBytes, overheadBytes } = this.#layout;
    let skippedBytes = 0;
    for (;;) {
      const at = this.#held.indexOf(shape.header[0]);
      const before = at < 0 ? this.#held.length : at;
      this.#held.drop(before);
      skippedBytes += before;
      const length = this.#payloadLength();
      if (length === 'more') return skippedBytes;
      if (length === 'none') {
        this.#held.drop(1);
        skippedBytes++;
      } else {
        frames.push(new Uint8Array(this.#held.view(headerBytes, headerBytes + length)));
        this.#held.drop(overheadBytes + length);
      }
    }
  }

  /** Of the frame that begins with the first byte held; `none`: there begins none. */
  #payloadLength(): number | 'more' | 'none' {
    const { shape, checksum, headerBytes, overheadBytes } = this.#layout;
    const length = this.#announced();
    if (typeof length !== 'number') return length;
    if (this.#held.length < overheadBytes + length) return 'more';
    const end = headerBytes + length + checksum.bytes;
    if (shape.end.some((byte, at) => this.#held.at(end + at) !== byte)) return 'none';
    const sum = lowerFirst(this.#sums.of(headerBytes, headerBytes + length), checksum.bytes);
    return sum.every((byte, at) => this.#held.at(headerBytes + length + at) === byte)
      ? length
      : 'none';
  }

  #announced(): number | 'more' | 'none' {
    const { shape, most } = this.#layout;
    let length: number | undefined;
    let at = 0;
    for (const field of shape.header) {
      if (typeof field === 'number') {
        const byte = this.#held.at(at++);
        if (byte !== field) return byte === undefined ? 'more' : 'none';
      } else {
        const said = this.#length(field, at);
        if (said === undefined) return 'more';
        if (said > most || said !== (length ?? said)) return 'none';
        length = said;
        at += LENGTH_BYTES[field];
      }
    }
    return length ?? 'none';
  }

  #length(name: LengthName, at: number): number | undefined {
    const first = this.#held.at(at);
    if (name === 'u8' || first === undefined) return first;
    const second = this.#held.at(at + 1);
    if (second === undefined) return undefined;
    return name === 'u16' ? (first << 8) | second : (second << 8) | first;
  }
}

const LENGTH_BYTES: Readonly<Record<LengthName, 1 | 2>> = { u8: 1, u16: 2, u16le: 2 };

function layoutOf(shape: MarkedShape, most: number): Layout {
  const { header, end } = shape;
  const checksum = checksums[shape.checksum];
  const lengths = header.filter((field) => typeof field !== 'number');
  const headerBytes =
    header.length - lengths.length + lengths.reduce((sum, name) => sum + LENGTH_BYTES[name], 0);
  return {
    shape,
    checksum,
    most: Math.min(most, ...lengths.map((name) => 256 ** LENGTH_BYTES[name] - 1)),
    headerBytes,
    overheadBytes: headerBytes + checksum.bytes + end.length,
  };
}

function lengthBytes(name: LengthName, length: number): readonly number[] {
  const bytes = lowerFirst(length, LENGTH_BYTES[name]);
  return name === 'u16' ? bytes.toReversed() : bytes;
}

function lowerFirst(value: number, bytes: 0 | 1 | 2): readonly number[] {
  return [value & 0xff, value >> 8].slice(0, bytes);
}
