/**
 * What is true of every framing and every stream: `npm test` tries it for a moment, `npm run fuzz` for
 * as long as one likes. The definitions that it is compared with look at the whole stream at once.
 */
import { deepEqual, ok } from 'node:assert/strict';
import fc from 'fast-check';
import { codec, parseFraming, type Framing } from '../../src/core/frame.js';
import type { MarkedShape } from '../../src/core/framing/marked-shape.js';

interface Stream {
  readonly framing: Framing;
  readonly maxFrameBytes: number;
  readonly bytes: Uint8Array;
  /** Where it is cut into chunks. */
  readonly cuts: readonly number[] | 'everywhere';
}

interface Read {
  /** In hex. */
  readonly frames: readonly string[];
  readonly skippedBytes: number;
  /** At the end. */
  readonly heldBytes: number;
  readonly violation: string | undefined;
}

/** Often one of few, so that garbage often looks like a frame. */
const byte = fc.oneof(fc.constantFrom(0, 1, 2, 0x0a, 0x0d, 0x16, 0x68), fc.nat({ max: 255 }));

const payload = fc.oneof(
  fc.array(byte, { maxLength: 12 }).map((list) => Uint8Array.from(list)),
  fc.tuple(byte, fc.nat({ max: 1500 })).map(([each, count]) => new Uint8Array(count).fill(each)),
);

const mark = fc.constantFrom('68', '16', '00', '6868', '0d0a', '6800');
const length = fc.constantFrom('u8', 'u16', 'u16le');
const checksum = fc.constantFrom('none', 'sum8', 'xor8', 'crc16');

const marked = fc
  .tuple(mark, length, fc.option(fc.tuple(length, mark)), checksum, fc.option(mark))
  .map(([start, said, again, sum, end]) => [
    start,
    said,
    ...(again ?? []),
    sum,
    ...(end ? [end] : []),
  ])
  .map((fields) => `marked=${fields.join(':')}`);

const framing = fc
  .oneof({ arbitrary: marked, weight: 6 }, fc.constantFrom('length16', 'line', 'line', 'raw'))
  .map(parseFraming);

const maxFrameBytes = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 2000 }));

const cuts = fc.oneof(
  fc.array(fc.nat({ max: 4000 }), { maxLength: 40 }),
  fc.constant('everywhere' as const),
);

/** What is no frame, and what nearly is: of a frame one byte is wrong or missing, or its end is. */
const piece = fc.record({
  kind: fc.constantFrom('frame', 'frame', 'garbage', 'wrong', 'missing', 'cut short'),
  payload,
  at: fc.nat(),
  byte,
});

const stream: fc.Arbitrary<Stream> = fc
  .record({ framing, maxFrameBytes, pieces: fc.array(piece, { maxLength: 12 }), cuts })
  .map(({ pieces, ...given }) => ({
    ...given,
    bytes: Buffer.concat(
      pieces.map(({ kind, payload: said, at, byte: other }) => {
        if (kind === 'garbage') return said;
        const frame = encoded(given, said);
        const where = at % Math.max(1, frame.length);
        if (kind === 'wrong') frame[where] = other;
        if (kind === 'cut short') return frame.subarray(0, where);
        if (kind !== 'missing') return frame;
        return Buffer.concat([frame.subarray(0, where), frame.subarray(where + 1)]);
      }),
    ),
  }));

/** By what they say. */
export const properties: Readonly<Record<string, fc.IRawProperty<unknown>>> = {
  'any split of any stream decodes alike': fc.property(stream, (given) => {
    const whole = read({ ...given, cuts: [] });
    const parts = read(given);
    if (given.framing === 'raw') deepEqual(parts.frames.join(''), whole.frames.join(''));
    else deepEqual(parts, whole);
  }),

  'it decodes as the definition says': fc.property(stream, (given) => {
    const expected = definitionOf(given);
    if (expected !== undefined) deepEqual(read(given), { ...expected, violation: undefined });
  }),

  'less is held than a frame, and what is not held is in a frame or skipped': fc.property(
    stream,
    (given) => {
      const overhead = overheadOf(given.framing);
      const { frames, skippedBytes, heldBytes, violation } = read(given, (held, isMidFrame) => {
        ok(held <= given.maxFrameBytes + overhead - 1, `${held} bytes are held`);
        ok(isMidFrame || held === 0, 'bytes are held and no frame has begun');
      });
      if (violation !== undefined || given.framing === 'line') return;
      const framed = frames.reduce((sum, frame) => sum + frame.length / 2 + overhead, 0);
      deepEqual(framed + skippedBytes + heldBytes, given.bytes.length);
    },
  ),

  // Else a stranger could end an echo server.
  'what is decoded can be echoed': fc.property(stream, (given) => {
    if (given.framing === 'raw') return;
    const { frames } = read(given);
    const echoing = codec(given.framing, given.maxFrameBytes);
    const echo = Buffer.concat(frames.map((frame) => echoing.encode(Buffer.from(frame, 'hex'))));
    const heard = { frames, skippedBytes: 0, heldBytes: 0, violation: undefined };
    deepEqual(read({ ...given, bytes: echo }), heard);
  }),

  'the echo of frames is each as it is encoded': fc.property(
    stream,
    ({ bytes, cuts: at, ...given }) => {
      const echoing = codec(given.framing, given.maxFrameBytes);
      const decoder = echoing.decoder();
      for (const chunk of chunksOf(bytes, at === 'everywhere' ? [...bytes.keys()] : at)) {
        if (chunk.length === 0) continue; // a socket gives none
        const { frames, violation } = decoder.push(Buffer.from(chunk));
        const payloads = frames.payloads();
        const encodings = payloads.map((each) => echoing.encode(each));
        deepEqual(hex(frames.echo()), hex(Buffer.concat(encodings)));
        deepEqual(frames.count, payloads.length);
        deepEqual(frames.beats, payloads.filter((each) => each.length === 0).length);
        if (violation !== undefined) break;
      }
    },
  ),

  'what is encoded is decoded again': fc.property(
    fc
      .record({ framing, maxFrameBytes, payloads: fc.array(payload, { maxLength: 12 }), cuts })
      .map(({ payloads, ...given }) => ({
        ...given,
        payloads: payloads.map((each) => fitting(given, each)),
        bytes: Buffer.concat(payloads.map((each) => encoded(given, each))),
      })),
    ({ payloads, ...given }) => {
      const frames = payloads.map((each) => hex(each));
      if (given.framing === 'raw') return;
      deepEqual(read(given), { frames, skippedBytes: 0, heldBytes: 0, violation: undefined });
    },
  ),
};

function read(
  { framing: of, maxFrameBytes: most, bytes, cuts: at }: Stream,
  look: (heldBytes: number, isMidFrame: boolean) => void = () => undefined,
): Read {
  const decoder = codec(of, most).decoder();
  const frames: string[] = [];
  const uncopied: Uint8Array[] = [];
  let skippedBytes = 0;
  let violation: string | undefined;
  for (const chunk of chunksOf(bytes, at === 'everywhere' ? [...bytes.keys()] : at)) {
    const lent = Buffer.from(chunk);
    const decoded = decoder.push(lent);
    const payloads = decoded.frames.payloads();
    if (of === 'raw') frames.push(...payloads.map(hex));
    else uncopied.push(...payloads);
    skippedBytes += decoded.skippedBytes;
    lent.fill(0xa5); // as when the socket's buffer is used again
    ({ violation } = decoded);
    if (violation !== undefined) break;
    look(decoder.heldBytes, decoder.isMidFrame);
  }
  frames.push(...uncopied.map(hex));
  return { frames, skippedBytes, heldBytes: decoder.heldBytes, violation };
}

function definitionOf(given: Stream) {
  const { framing: of, bytes } = given;
  const most = mostOf(given);
  if (of === 'line') return linesIn(bytes, most);
  return typeof of === 'string' ? undefined : markedIn(bytes, of, most);
}

/** Each line that is not too long; of the last, without an end, what may still become one is held. */
function linesIn(bytes: Uint8Array, most: number): Omit<Read, 'violation'> {
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  const last = lines.pop() ?? '';
  const fits = (line: string) => line.replace(/\r$/, '').length <= most;
  const skipped = lines.filter((line) => !fits(line)).map((line) => line.length + 1);
  if (!fits(last)) skipped.push(last.length);
  return {
    frames: lines
      .filter(fits)
      .map((line) => Buffer.from(line.replace(/\r$/, ''), 'latin1').toString('hex')),
    skippedBytes: skipped.reduce((sum, count) => sum + count, 0),
    heldBytes: fits(last) ? last.length : 0,
  };
}

/** From left to right: a whole frame, or a byte of garbage, or what may still become a frame. */
function markedIn(bytes: Uint8Array, shape: MarkedShape, most: number): Omit<Read, 'violation'> {
  const frames: string[] = [];
  let skippedBytes = 0;
  for (let at = 0; at < bytes.length;) {
    const rest = bytes.subarray(at);
    const frame = frameAt(rest, shape, most);
    if (frame === 'unknown') return { frames, skippedBytes, heldBytes: rest.length };
    if (frame === undefined) skippedBytes++;
    else frames.push(hex(frame));
    at += frame === undefined ? 1 : frame.length + overheadOf(shape);
  }
  return { frames, skippedBytes, heldBytes: 0 };
}

function frameAt(
  rest: Uint8Array,
  shape: MarkedShape,
  most: number,
): Uint8Array | 'unknown' | undefined {
  let at = 0;
  let announced = -1;
  for (const field of shape.header) {
    const width = typeof field === 'number' || field === 'u8' ? 1 : 2;
    if (at + width > rest.length) return 'unknown';
    const value =
      field === 'u16' ? Buffer.from(rest).readUInt16BE(at) : littleEndian(rest, at, width);
    at += width;
    if (typeof field === 'number' && value !== field) return undefined;
    if (typeof field === 'number') continue;
    if (value > most || (announced >= 0 && announced !== value)) return undefined;
    announced = value;
  }
  if (rest.length < announced + overheadOf(shape)) return 'unknown';
  const said = rest.subarray(at, at + announced);
  const tail = rest.subarray(at + announced, announced + overheadOf(shape));
  return hex(tail) === hex([...sumOf(said, shape), ...shape.end]) ? said : undefined;
}

function sumOf(bytes: Uint8Array, { checksum: name }: MarkedShape): readonly number[] {
  if (name === 'none') return [];
  if (name === 'sum8') return [bytes.reduce((sum, each) => sum + each, 0) % 256];
  if (name === 'xor8') return [bytes.reduce((sum, each) => sum ^ each, 0)];
  let crc = 0xffff;
  for (const each of bytes) {
    crc ^= each;
    for (let bit = 0; bit < 8; bit++) crc = crc % 2 === 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return [crc % 256, crc >> 8];
}

function encoded(given: Pick<Stream, 'framing' | 'maxFrameBytes'>, said: Uint8Array): Uint8Array {
  const { framing: of, maxFrameBytes: most } = given;
  return Uint8Array.from(codec(of, most).encode(fitting(given, said)));
}

/** As much of it as this framing can say. */
function fitting(given: Pick<Stream, 'framing' | 'maxFrameBytes'>, said: Uint8Array): Uint8Array {
  const sayable = given.framing === 'line' ? said.filter((each) => each !== 0x0a) : said;
  return sayable.slice(0, mostOf(given));
}

/** Of a payload; of two lengths the narrower one can say less. */
function mostOf({ framing: of, maxFrameBytes: most }: Pick<Stream, 'framing' | 'maxFrameBytes'>) {
  return typeof of !== 'string' && of.header.includes('u8') ? Math.min(most, 255) : most;
}

/** What is not payload; of a line CRLF. */
function overheadOf(of: Framing): number {
  if (typeof of === 'string') return of === 'raw' ? 0 : 2;
  const { header, checksum: name, end } = of;
  const wide = header.filter((field) => field === 'u16' || field === 'u16le').length;
  const sum = name === 'none' ? 0 : name === 'crc16' ? 2 : 1;
  return header.length + wide + sum + end.length;
}

function littleEndian(bytes: Uint8Array, at: number, width: number): number {
  return Buffer.from(bytes).readUIntLE(at, width);
}

function chunksOf(bytes: Uint8Array, at: readonly number[]): readonly Uint8Array[] {
  const edges = [0, ...at.filter((cut) => cut < bytes.length), bytes.length];
  const sorted = edges.toSorted((a, b) => a - b);
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end));
}

function hex(bytes: Uint8Array | readonly number[]): string {
  return Buffer.from(bytes).toString('hex');
}
