/**
 * Framings: how payloads lie in the byte stream. Knows neither sockets nor time.
 *
 *     length16 · raw · line · marked=START:LENGTH:CHECKSUM:END (framing/marked-shape.ts)
 *
 * `length16` is a 2-byte big-endian length, then the payload; a `line` ends with LF or CRLF. An empty
 * frame is a beat. A decoder holds at most one frame's bytes, whatever a stranger sends, and its work
 * is linear in the bytes. Cut into chunks in any way, a stream decodes alike, except `raw`.
 */
import { TcpaliveError } from '../errors.js';
import type { Frames } from './framing/frames.js';
import { BEAT_FRAME, length16Codec } from './framing/length16.js';
import { lineCodec } from './framing/line.js';
import { formatMarked, parseMarked, type MarkedShape } from './framing/marked-shape.js';
import { markedCodec } from './framing/marked.js';

export type Framing = 'length16' | 'raw' | 'line' | MarkedShape;

const NAMED = ['length16', 'raw', 'line'] as const;

/** The largest payload that a 16-bit length can announce. */
export const LARGEST_FRAME_BYTES = 0xffff;

export interface Codec {
  /** @throws RangeError when the payload is longer than `maxFrameBytes`, or than the framing can say. */
  encode(payload: Uint8Array): Uint8Array;
  /** A decoder for one connection. */
  decoder(): Decoder;
}

export interface Decoder {
  /** A frame has begun and is not complete: what came of it may be held, or have been skipped already. */
  readonly isMidFrame: boolean;
  /** What is kept of it: less than the largest frame has. */
  readonly heldBytes: number;
  /**
   * All frames that `chunk` completes, to be looked at before the chunk changes. After a `violation` the decoder
   * must not be used again.
   */
  push(chunk: Uint8Array): Decoded;
}

export interface Decoded {
  readonly frames: Frames;
  /** Bytes that belong to no frame: framings that find their way back after them go on behind. */
  readonly skippedBytes: number;
  /** Why the stream cannot be read any further; undefined while it can. */
  readonly violation: string | undefined;
}

/** The frame that means "are you there?". */
export const BEAT = new Uint8Array(0);

export function codec(framing: Framing, maxFrameBytes: number): Codec {
  if (framing === 'raw') return rawCodec;
  if (framing === 'line') return lineCodec(maxFrameBytes);
  if (framing === 'length16') return length16Codec(Math.min(maxFrameBytes, LARGEST_FRAME_BYTES));
  return markedCodec(framing, maxFrameBytes);
}

/** @throws TcpaliveError BAD_USAGE */
export function parseFraming(text: string): Framing {
  const named = NAMED.find((known) => known === text);
  if (named !== undefined) return named;
  if (/^marked(?:=|$)/.test(text)) return parseMarked(text);
  throw new TcpaliveError(
    'BAD_USAGE',
    `'${text}' is not a framing: ${NAMED.join(', ')} or marked=START:LENGTH:CHECKSUM:END`,
  );
}

/** The canonical spelling; `parseFraming` reads it back to an equal framing. */
export function formatFraming(framing: Framing): string {
  return typeof framing === 'string' ? framing : formatMarked(framing);
}

/** No framing at all: whatever arrives is echoed. A beat is the two bytes of an empty length16 frame. */
const rawCodec: Codec = {
  encode: (payload) => (payload.length === 0 ? BEAT_FRAME : payload),
  decoder: () => ({
    isMidFrame: false,
    heldBytes: 0,
    push: (chunk) => ({
      frames: { count: 1, beats: 0, payloads: () => [new Uint8Array(chunk)], echo: () => chunk },
      skippedBytes: 0,
      violation: undefined,
    }),
  }),
};
