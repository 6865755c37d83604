import { describe, expect, it, onTestFinished } from 'vitest';
import { BEAT, codec, parseFraming, type Decoded } from '../../../src/core/frame.js';
import { checksums, type ChecksumName } from '../../../src/core/framing/checksum.js';

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const hex = (frame: Uint8Array) => Buffer.from(frame).toString('hex');
const read = ({ frames, skippedBytes }: Decoded) => [frames.payloads().map(hex), skippedBytes];

const marked = (text: string, most = 1024) => codec(parseFraming(text), most);
const plain = marked('marked=68:u8:sum8:16');

describe('marked', () => {
  it('writes start, length, payload, checksum and end', () => {
    expect(hex(plain.encode(bytes('cafe')))).toBe('6802cafec816');
    expect(hex(marked('marked=02:u16:xor8:03').encode(bytes('cafe')))).toBe('020002cafe3403');
    expect(hex(marked('marked=aa55:u16le:crc16').encode(bytes('010300000001')))).toBe(
      'aa550600010300000001840a',
    );
    expect(hex(marked('marked=68:u8:none').encode(BEAT))).toBe('6800');
  });

  it('reads and writes frames of variable length of FT1.2, as M-Bus sends them', () => {
    const mbus = marked('marked');
    // SND_UD to the meter with address 1.
    const frame = '68 06 06 68 53 01 00 01 02 03 5a 16';
    expect(read(mbus.decoder().push(bytes(frame)))).toEqual([['530100010203'], 0]);
    expect(mbus.encode(bytes('530100010203'))).toEqual(bytes(frame));
    expect(hex(mbus.encode(BEAT))).toBe('680000680016');
    expect(read(mbus.decoder().push(bytes('680000680016')))).toEqual([[''], 0]);
  });

  it('reads a frame byte by byte, and says that it has begun', () => {
    const decoder = plain.decoder();
    const frame = bytes('6802cafec816');
    const seen = Array.from(frame, (byte) => {
      const decoded = read(decoder.push(Uint8Array.of(byte)));
      return [...decoded, decoder.isMidFrame, decoder.heldBytes];
    });
    expect(seen.slice(0, -1)).toEqual([1, 2, 3, 4, 5].map((held) => [[], 0, true, held]));
    expect(seen.at(-1)).toEqual([['cafe'], 0, false, 0]);
  });

  it('reads two frames and the beginning of a third at once', () => {
    const decoder = plain.decoder();
    expect(read(decoder.push(bytes('6801aaaa16 68000016 6802bb')))).toEqual([['aa', ''], 0]);
    expect(read(decoder.push(bytes('cc8716')))).toEqual([['bbcc'], 0]);
  });

  it('refuses to write more than the length can say, or than is accepted', () => {
    expect(() => plain.encode(new Uint8Array(256))).toThrow(
      new RangeError('a payload of 256 bytes is over 255'),
    );
    expect(() => marked('marked=68:u16:none', 100).encode(new Uint8Array(101))).toThrow(
      new RangeError('a payload of 101 bytes is over 100'),
    );
  });
});

describe('marked, among garbage', () => {
  it.each([
    ['what is no start', 'ff 00 16', 3],
    ['a wrong checksum', '68 01 aa ab 16', 5],
    ['a wrong end', '68 01 aa aa 17', 5],
    ['a frame over the largest', '68 05 00 00 00 00 00 00 16', 9],
    ['the end of a frame', 'aa aa 16', 3],
  ])('skips %s and reads the frame behind it', (_, garbage, skipped) => {
    const decoder = marked('marked=68:u8:sum8:16', 4).decoder();
    expect(read(decoder.push(bytes(`${garbage} 6801bbbb16`)))).toEqual([['bb'], skipped]);
    expect(decoder.isMidFrame).toBe(false);
  });

  it('skips where two lengths differ', () => {
    const decoder = marked('marked').decoder();
    expect(read(decoder.push(bytes('680102680016 68010168aaaa16')))).toEqual([['aa'], 6]);
  });

  it('reads a frame that lies within what looked like one', () => {
    const decoder = plain.decoder();
    expect(read(decoder.push(bytes('6809 6801bbbb16')))).toEqual([[], 0]);
    expect(decoder.isMidFrame).toBe(true);
    expect(read(decoder.push(bytes('0000000000 00')))).toEqual([['bb'], 8]);
  });

  it('holds no more than the largest frame of any start that never checks out', () => {
    const decoder = marked('marked=68:u16:sum8:16', 0xffff).decoder();
    for (let sent = 0; sent < 50; sent++) {
      decoder.push(new Uint8Array(10_000).fill(0x68));
      expect(decoder.heldBytes).toBeLessThan(0xffff + 5);
    }
  });
});

describe('the work of marked', () => {
  const ONCE_FOR_NOTES_AND_TWO_ENDS = 1 + 2 * 32;

  it.each([
    ['64 KiB of a start that is an end as well', 'marked=7e:u16:crc16:7e', 0x7e, 65_536],
    ['and 200 KiB', 'marked=7e:u16:crc16:7e', 0x7e, 204_800],
    ['of short frames', 'marked=7e:u8:crc16:7e', 0x7e, 65_536],
    ['and without an end', 'marked=40:u16:crc16', 0x40, 65_536],
  ])('is linear in the bytes: %s', (_, shape, byte, count) => {
    const sums = countSums('crc16');
    const decoder = marked(shape, 0xffff).decoder();
    const stream = new Uint8Array(count).fill(byte);
    decoder.push(stream.subarray(0, 70_000));
    for (const each of stream.subarray(70_000)) decoder.push(Uint8Array.of(each));
    expect(sums.count).toBeGreaterThan(count);
    expect(sums.count).toBeLessThan(ONCE_FOR_NOTES_AND_TWO_ENDS * count);
  });

  it('is linear where long frames are rare', () => {
    const sums = countSums('sum8');
    const framing = marked('marked=68:u16:sum8:16', 0xffff);
    const short = framing.encode(new Uint8Array(10));
    const long = framing.encode(new Uint8Array(1000));
    const decoder = framing.decoder();
    sums.count = 0;
    let count = 0;
    for (let turn = 0; turn < 20; turn++) {
      for (const frame of [...Array.from({ length: 200 }, () => short), long]) {
        expect(decoder.push(frame).frames.count).toBe(1);
        count += frame.length;
      }
    }
    expect(sums.count).toBeLessThan(count);
  });
});

/** How many bytes are added to a sum. */
function countSums(name: ChecksumName): { count: number } {
  const { [name]: checksum } = checksums;
  const add = checksum.add.bind(checksum);
  const sums = { count: 0 };
  Object.assign(checksum, {
    add(sum: number, byte: number): number {
      sums.count++;
      return add(sum, byte);
    },
  });
  onTestFinished(() => void Object.assign(checksum, { add }));
  return sums;
}
