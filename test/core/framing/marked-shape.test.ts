import { describe, expect, it } from 'vitest';
import { formatMarked, parseMarked } from '../../../src/core/framing/marked-shape.js';
import { refusalOf } from '../../refusal.js';

describe('parseMarked', () => {
  it('reads the fields in their order', () => {
    expect(parseMarked('marked=68:u8:sum8:16')).toEqual({
      kind: 'marked',
      header: [0x68, 'u8'],
      checksum: 'sum8',
      end: [0x16],
    });
    expect(parseMarked('marked=AA55:01:u16le:crc16:0d0a')).toEqual({
      kind: 'marked',
      header: [0xaa, 0x55, 0x01, 'u16le'],
      checksum: 'crc16',
      end: [0x0d, 0x0a],
    });
    expect(parseMarked('marked=02:u16:none').end).toEqual([]);
  });

  it('reads a bare name as FT1.2 with variable length', () => {
    expect(formatMarked(parseMarked('marked'))).toBe('marked=68:u8:u8:68:sum8:16');
  });

  it.each(['marked=68:u8:sum8:16', 'marked=aa:55:01:u16le:crc16:0d0a', 'marked=02:u16:none'])(
    'reads back what it wrote: %s',
    (text) => {
      expect(formatMarked(parseMarked(text))).toBe(text);
    },
  );

  it.each([
    ['marked=', ' has no checksum'],
    ['marked=68:u8:16', ' has no checksum'],
    ['marked=u8:68:sum8:16', ' does not begin with a start byte'],
    ['marked=:u8:sum8', ": '' is neither a length nor bytes in hex"],
    ['marked=68:sum8:16', ' takes one length, or two that must agree'],
    ['marked=68:u8:u8:u8:sum8:16', ' takes one length, or two that must agree'],
    ['marked=68:u32:sum8:16', ": 'u32' is neither a length nor bytes in hex"],
    ['marked=6:u8:sum8:16', ": '6' is neither a length nor bytes in hex"],
    ['marked=68:u8:sum8:16:16', ' has more than an end behind sum8'],
    ['marked=68:u8:sum8:', ": '' is neither a length nor bytes in hex"],
    [`marked=${'68'.repeat(16)}:u8:sum8:16`, ' has more than 16 fixed bytes'],
  ])('refuses %s', (text, reason) => {
    const refusal = refusalOf(() => parseMarked(text));
    expect(refusal).toMatchObject({ code: 'BAD_USAGE' });
    expect(refusal.message).toBe(`'${text}'${reason}`);
    expect(refusal.hint).toContain('such as marked=68:u8:u8:68:sum8:16');
  });
});
