import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BEAT,
  codec,
  formatFraming,
  LARGEST_FRAME_BYTES,
  parseFraming,
  type Decoded,
} from '../../src/core/frame.js';
import { refusalOf } from '../refusal.js';
import { unpacked } from './unpacked.js';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (frame: Uint8Array) => Buffer.from(frame).toString('hex');
const hexes = ({ frames }: Decoded) => frames.payloads().map(hex);

const length16 = codec('length16', 1024);

describe('length16', () => {
  it('writes the length in two bytes, the larger first, then the payload', () => {
    expect(hex(length16.encode(bytes('cafe')))).toBe('0002cafe');
    expect(hex(length16.encode(new Uint8Array(0x0203).fill(0xee))).slice(0, 8)).toBe('0203eeee');
  });

  it('writes a beat as an empty frame, two bytes', () => {
    expect(hex(length16.encode(BEAT))).toBe('0000');
    expect(hexes(length16.decoder().push(bytes('0000')))).toEqual(['']);
  });

  it('reads a frame byte by byte', () => {
    const decoder = length16.decoder();
    const read = ['00', '03', 'aa', 'bb', 'cc'].map((byte) => hexes(decoder.push(bytes(byte))));
    expect(read).toEqual([[], [], [], [], ['aabbcc']]);
  });

  it('reads two frames and the beginning of a third at once', () => {
    const decoder = length16.decoder();
    expect(hexes(decoder.push(bytes('0001aa' + '0000' + '0002bb')))).toEqual(['aa', '']);
    expect(hexes(decoder.push(bytes('cc')))).toEqual(['bbcc']);
  });

  it('reads the largest frame accepted and calls one byte more a violation', () => {
    expect(hexes(codec('length16', 3).decoder().push(bytes('0003aabbcc')))).toEqual(['aabbcc']);
    expect(unpacked(codec('length16', 3).decoder().push(bytes('0001aa0004')))).toEqual({
      frames: [bytes('aa')],
      skippedBytes: 0,
      violation: 'frame of 4 bytes announced, at most 3 accepted',
    });
  });

  it('refuses to write a payload that its own decoder would refuse, or that 16 bits cannot announce', () => {
    expect(hex(codec('length16', 3).encode(bytes('aabbcc')))).toBe('0003aabbcc');
    expect(() => codec('length16', 3).encode(new Uint8Array(4))).toThrow(
      new RangeError('a payload of 4 bytes is over 3'),
    );
    expect(() => codec('length16', 100_000).encode(new Uint8Array(65_536))).toThrow(
      new RangeError(`a payload of 65536 bytes is over ${LARGEST_FRAME_BYTES}`),
    );
  });

  it('says whether a frame has begun, and how much of it is held', () => {
    const decoder = length16.decoder();
    const seen = ['00', '02', 'aa', 'bb', '0000', '0001', 'cc'].map((chunk) => {
      decoder.push(bytes(chunk));
      return [decoder.isMidFrame, decoder.heldBytes];
    });
    expect(seen).toEqual([
      [true, 1],
      [true, 2],
      [true, 3],
      [false, 0],
      [false, 0],
      [true, 2],
      [false, 0],
    ]);
  });

  it('keeps its own copy of what it has read: the buffer it came in may be used again', () => {
    const decoder = length16.decoder();
    const chunk = bytes('0002aa');
    decoder.push(chunk);
    chunk.fill(0);
    expect(hexes(decoder.push(bytes('bb')))).toEqual(['aabb']);
  });

  it('echoes whole frames with the very bytes that they were read from', () => {
    const chunk = bytes('0001aa' + '0000');
    expect(length16.decoder().push(chunk).frames.echo()).toBe(chunk);
  });

  it('reads the same frames however the stream is cut into chunks', () => {
    const payloads = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 });
    const cuts = fc.array(fc.nat({ max: 2000 }));
    fc.assert(
      fc.property(payloads, cuts, (sent, at) => {
        const stream = Buffer.concat(sent.map((payload) => length16.encode(payload)));
        const decoder = length16.decoder();
        const read = chunksOf(stream, at).map((chunk) => decoder.push(chunk));
        expect(read.flatMap(hexes)).toEqual(sent.map(hex));
        expect(read.filter(({ violation }) => violation !== undefined)).toEqual([]);
      }),
    );
  });

  it('takes random bytes without throwing and never holds more than one frame of them', () => {
    const maxFrameBytes = fc.integer({ min: 0, max: 600 });
    // Small first bytes: else nearly every stream is over at its first header.
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 700 }),
      fc.uint8Array({ maxLength: 700, max: 2 }),
    );
    fc.assert(
      fc.property(maxFrameBytes, fc.array(chunk, { maxLength: 30 }), (most, chunks) => {
        const decoder = codec('length16', most).decoder();
        let heldBytes = 0;
        for (const each of chunks) {
          const { frames, violation } = decoder.push(each);
          if (violation !== undefined) return;
          for (const { length } of frames.payloads()) expect(length).toBeLessThanOrEqual(most);
          heldBytes += each.length - frames.echo().length;
          // Of an unfinished frame: its header, and less than its payload.
          expect(heldBytes).toBeLessThan(2 + Math.max(most, 1));
        }
      }),
    );
  });
});

describe('raw', () => {
  const raw = codec('raw', 1024);

  it('passes payloads through and writes a beat as the two bytes of an empty length16 frame', () => {
    expect(hex(raw.encode(bytes('cafe')))).toBe('cafe');
    expect(hex(raw.encode(BEAT))).toBe('0000');
  });

  it('takes every chunk as a frame', () => {
    const decoder = raw.decoder();
    expect(unpacked(decoder.push(bytes('ffff')))).toEqual({
      frames: [bytes('ffff')],
      skippedBytes: 0,
      violation: undefined,
    });
    expect(hexes(decoder.push(bytes('00')))).toEqual(['00']);
  });
});

describe('parseFraming', () => {
  it.each(['length16', 'raw', 'line', 'marked=68:u8:sum8:16'])(
    'reads %s and writes it back',
    (text) => {
      expect(formatFraming(parseFraming(text))).toBe(text);
    },
  );

  it('refuses another, naming all', () => {
    expect(refusalOf(() => parseFraming('json')).message).toBe(
      "'json' is not a framing: length16, raw, line or marked=START:LENGTH:CHECKSUM:END",
    );
  });
});

function chunksOf(stream: Uint8Array, cuts: readonly number[]): readonly Uint8Array[] {
  const at = [0, ...cuts.filter((cut) => cut < stream.length), stream.length];
  const edges = at.toSorted((a, b) => a - b);
  return edges.slice(1).map((end, index) => stream.subarray(edges[index], end));
}
