/**
 * How meters and other field devices mark their frames: one spelling names the fields in the order in
 * which they lie on the wire.
 *
 *     marked=START[:…]:LENGTH[:…]:CHECKSUM[:END]     the payload lies before the checksum
 *
 *     START, END   bytes in hex, such as 68 or 0d0a; more of them may stand around the length
 *     LENGTH       of the payload alone: u8, u16 (the higher byte first) or u16le; said twice, both must agree
 *     CHECKSUM     of the payload alone: none, sum8, xor8 or crc16 (CRC-16/MODBUS, the lower byte first)
 *
 * A bare `marked` is the frame of variable length of IEC 60870-5-1 FT1.2, as M-Bus speaks it:
 * `marked=68:u8:u8:68:sum8:16`.
 */
import { TcpaliveError } from '../../errors.js';
import { parseHex } from '../byte-text.js';
import { checksums, type ChecksumName } from './checksum.js';

export interface MarkedShape {
  readonly kind: 'marked';
  /** What comes before the payload: the start, then a byte or the payload's length. */
  readonly header: readonly [number, ...(number | LengthName)[]];
  readonly checksum: ChecksumName;
  /** What comes after the checksum. */
  readonly end: readonly number[];
}

export type LengthName = 'u8' | 'u16' | 'u16le';

const FT12 = 'marked=68:u8:u8:68:sum8:16';

const GRAMMAR =
  'marked=START:LENGTH:CHECKSUM:END, with START and END in hex, LENGTH u8, u16 or u16le, ' +
  `CHECKSUM none, sum8, xor8 or crc16, such as ${FT12}`;

/** More fixed bytes than any device has. */
const MOST_MARK_BYTES = 16;

/** @throws TcpaliveError BAD_USAGE */
export function parseMarked(text: string): MarkedShape {
  const [, fields = FT12.slice('marked='.length)] = /^marked=(.*)$/s.exec(text) ?? [];
  const names = fields.split(':');
  const at = names.findIndex(isChecksum);
  const checksum = names.find(isChecksum);
  if (checksum === undefined) throw refusal(`'${text}' has no checksum`);
  const [start, ...others] = names
    .slice(0, at)
    .flatMap((name): readonly (number | LengthName)[] =>
      isLength(name) ? [name] : marks(name, text),
    );
  const [end, ...rest] = names.slice(at + 1);
  if (rest.length > 0) throw refusal(`'${text}' has more than an end behind ${checksum}`);
  if (typeof start !== 'number') throw refusal(`'${text}' does not begin with a start byte`);
  const lengths = others.filter((field) => typeof field !== 'number').length;
  if (lengths === 0 || lengths > 2)
    throw refusal(`'${text}' takes one length, or two that must agree`);
  const shape: MarkedShape = {
    kind: 'marked',
    header: [start, ...others],
    checksum,
    end: end === undefined ? [] : marks(end, text),
  };
  if (shape.header.length - lengths + shape.end.length > MOST_MARK_BYTES) {
    throw refusal(`'${text}' has more than ${MOST_MARK_BYTES} fixed bytes`);
  }
  return shape;
}

/** `parseMarked` reads it back to an equal shape. */
export function formatMarked({ header, checksum, end }: MarkedShape): string {
  const before = header.map((field) => (typeof field === 'number' ? hexOf(field) : field));
  const after = end.length === 0 ? [] : [end.map(hexOf).join('')];
  return `marked=${[...before, checksum, ...after].join(':')}`;
}

function isChecksum(name: string): name is ChecksumName {
  return Object.hasOwn(checksums, name);
}

function isLength(name: string): name is LengthName {
  return name === 'u8' || name === 'u16' || name === 'u16le';
}

function marks(name: string, text: string): readonly number[] {
  if (/^(?:[0-9a-f]{2})+$/i.test(name)) return [...parseHex(name)];
  throw refusal(`'${text}': '${name}' is neither a length nor bytes in hex`);
}

function hexOf(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function refusal(message: string): TcpaliveError {
  return new TcpaliveError('BAD_USAGE', message, { hint: GRAMMAR });
}
