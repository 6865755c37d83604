import { describe, expect, it } from 'vitest';
import { BEAT, codec, type Decoded } from '../../../src/core/frame.js';

const line = codec('line', 5);
const bytes = (text: string) => Buffer.from(text, 'latin1');
const text = (frame: Uint8Array) => Buffer.from(frame).toString('latin1');
const read = ({ frames, skippedBytes }: Decoded) => [frames.payloads().map(text), skippedBytes];

describe('line', () => {
  it('ends what it writes with LF, and with CRLF where a CR of its own would be taken for half of it', () => {
    expect(text(line.encode(bytes('hi')))).toBe('hi\n');
    expect(text(line.encode(BEAT))).toBe('\n');
    expect(text(line.encode(bytes('hi\r')))).toBe('hi\r\r\n');
  });

  it('refuses to write what would be two lines, or one that its own decoder would skip', () => {
    expect(() => line.encode(bytes('a\nb'))).toThrow(
      new RangeError('a line cannot hold a line feed'),
    );
    expect(() => line.encode(bytes('123456'))).toThrow(
      new RangeError('a payload of 6 bytes is over 5'),
    );
  });

  it('reads lines that end with LF and with CRLF, several at once, an empty one as a beat', () => {
    const decoder = line.decoder();
    expect(read(decoder.push(bytes('a\nbc\r\n\n\r\nd\r')))).toEqual([['a', 'bc', '', ''], 0]);
    expect(read(decoder.push(bytes('\ne\n')))).toEqual([['d', 'e'], 0]);
  });

  it('reads a line byte by byte, and says that it has begun', () => {
    const decoder = line.decoder();
    expect(decoder.isMidFrame).toBe(false);
    const seen = ['h', 'i', '\r'].map((each) => [
      ...read(decoder.push(bytes(each))),
      decoder.isMidFrame,
      decoder.heldBytes,
    ]);
    expect(seen).toEqual([
      [[], 0, true, 1],
      [[], 0, true, 2],
      [[], 0, true, 3],
    ]);
    expect(read(decoder.push(bytes('\n')))).toEqual([['hi'], 0]);
    expect(decoder.isMidFrame).toBe(false);
    expect(decoder.heldBytes).toBe(0);
  });

  it('reads the longest line accepted, with either end', () => {
    expect(read(line.decoder().push(bytes('12345\n12345\r\n')))).toEqual([['12345', '12345'], 0]);
  });

  it('skips a longer line with its end, holds nothing of it, and reads the next', () => {
    const decoder = line.decoder();
    expect(read(decoder.push(bytes('a\n123456')))).toEqual([['a'], 6]);
    expect(decoder.heldBytes).toBe(0);
    expect(decoder.isMidFrame).toBe(true);
    expect(read(decoder.push(bytes('7'.repeat(1000))))).toEqual([[], 1000]);
    expect(read(decoder.push(bytes('8\r\nb\n')))).toEqual([['b'], 3]);
    expect(decoder.isMidFrame).toBe(false);
  });

  it('skips one whose CR, which fitted, was not its end', () => {
    const decoder = line.decoder();
    expect(read(decoder.push(bytes('12345\r')))).toEqual([[], 0]);
    expect(decoder.heldBytes).toBe(6);
    expect(read(decoder.push(bytes('6\nb\n')))).toEqual([['b'], 8]);
  });
});
