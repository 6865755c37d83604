/**
 * Bytes to be sent, as a protocol's file writes them: text with `${NAME}`, and what is worked out of it.
 * Pure: secrets and random bytes are arguments.
 */
import { charactersOf } from './byte-text.js';

export type Template = readonly TemplatePart[];

export type TemplatePart =
  | { readonly kind: 'text'; readonly pieces: readonly (string | NamePiece)[] }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'random'; readonly count: number }
  | { readonly kind: 'base64' | 'json'; readonly of: Template }
  | { readonly kind: 'length'; readonly form: LengthForm; readonly of: Template }
  | { readonly kind: 'frame'; readonly form: FrameForm; readonly of: Template };

interface NamePiece {
  readonly name: string;
}

/** `bulk` is a Redis bulk string, `varint` MQTT's remaining length. */
export type LengthForm = 'u16' | 'varint' | 'bulk';
export const LENGTH_FORMS: readonly LengthForm[] = ['u16', 'varint', 'bulk'];

/** Masked, as a client's frames are (RFC 6455 section 5.3). */
export type FrameForm = 'websocket-ping' | 'websocket-pong';
export const FRAME_FORMS: readonly FrameForm[] = ['websocket-ping', 'websocket-pong'];

/** What a template is filled with. */
export interface Filling {
  readonly named: ReadonlyMap<string, Uint8Array>;
  /** Unpredictable bytes, so many of them: for keys and masks. */
  random(count: number): Uint8Array;
}

/** The longest payload of a control frame (RFC 6455 section 5.5). */
const LONGEST_CONTROL_BYTES = 125;

/** @throws RangeError on a name that `filling` lacks: whoever fills has looked at `namesIn` before */
export function fill(template: Template, filling: Filling): Uint8Array {
  return joined(template.map((part) => fillPart(part, filling)));
}

/** Every `${NAME}`, once. */
export function namesIn(template: Template): readonly string[] {
  const names = template.flatMap((part): readonly string[] => {
    if (part.kind === 'text') {
      return part.pieces.flatMap((piece) => (typeof piece === 'string' ? [] : [piece.name]));
    }
    return 'of' in part ? namesIn(part.of) : [];
  });
  return [...new Set(names)];
}

/** `AUTH ${TCPALIVE_PASSWORD}`. A `$` before anything but a brace is one. */
export function parseText(text: string): TemplatePart {
  const pieces = text
    .split(/(\$\{[^}]*\})/)
    .filter((piece) => piece !== '')
    .map((piece) => {
      const [, name] = /^\$\{([^}]*)\}$/.exec(piece) ?? [];
      return name === undefined ? piece : { name };
    });
  return { kind: 'text', pieces };
}

function fillPart(part: TemplatePart, filling: Filling): Uint8Array {
  switch (part.kind) {
    case 'text':
      return joined(part.pieces.map((piece) => fillPiece(piece, filling)));
    case 'bytes':
      return part.bytes;
    case 'random':
      return filling.random(part.count);
    case 'base64':
      return utf8(btoa(charactersOf(fill(part.of, filling))));
    case 'json':
      return utf8(JSON.stringify(new TextDecoder().decode(fill(part.of, filling))));
    case 'length':
      return withLength(part.form, fill(part.of, filling));
    case 'frame':
      return frame(part.form, fill(part.of, filling), filling.random(4));
  }
}

function fillPiece(piece: string | NamePiece, { named }: Filling): Uint8Array {
  if (typeof piece === 'string') return utf8(piece);
  const value = named.get(piece.name);
  if (value === undefined) throw new RangeError(`nothing to fill \${${piece.name}} with`);
  return value;
}

function withLength(form: LengthForm, body: Uint8Array): Uint8Array {
  switch (form) {
    case 'u16':
      return joined([Uint8Array.of(body.length >> 8, body.length & 0xff), body]);
    case 'varint':
      return joined([varint(body.length), body]);
    case 'bulk':
      return joined([utf8(`$${body.length}\r\n`), body, utf8('\r\n')]);
  }
}

/** Seven bits a byte, the lowest first, a set top bit for more (MQTT 3.1.1 section 2.2.3). */
function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; bytes.length === 0 || rest > 0; rest >>= 7) {
    bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  }
  return Uint8Array.from(bytes);
}

function frame(form: FrameForm, payload: Uint8Array, mask: Uint8Array): Uint8Array {
  const body = payload.subarray(0, LONGEST_CONTROL_BYTES);
  const opcode = form === 'websocket-ping' ? 0x9 : 0xa;
  const masked = body.map((byte, at) => byte ^ (mask[at % 4] ?? 0));
  return joined([Uint8Array.of(0x80 | opcode, 0x80 | body.length), mask, masked]);
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
