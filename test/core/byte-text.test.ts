import { describe, expect, it } from 'vitest';
import { bytesOf, charactersOf, unescapeText } from '../../src/core/byte-text.js';
import { matchOf, MOST_MATCHED_BYTES, parsePattern } from '../../src/core/pattern.js';
import { refusalOf } from '../refusal.js';

describe('text', () => {
  it('is its UTF-8, or hex', () => {
    expect(charactersOf(bytesOf('ä'))).toBe('\xc3\xa4');
    expect(charactersOf(bytesOf('hex:00 ff0D'))).toBe('\0\xff\r');
    expect(refusalOf(() => bytesOf('hex:0g')).message).toBe(
      "'0g' is not hex: two digits a byte, such as 0d 0a",
    );
  });

  it('has the escapes that a shell does not know', () => {
    expect(unescapeText(String.raw`PING\r\n\t\0\x2b\\n`)).toBe('PING\r\n\t\0+\\n');
    for (const escape of [String.raw`\q`, String.raw`\xff`, String.raw`\x4`, '\\']) {
      expect(refusalOf(() => unescapeText(`a${escape}`)).message).toMatch(/is no escape: /);
    }
  });
});

describe('a pattern', () => {
  const endIn = (pattern: string, reply: string) =>
    matchOf(parsePattern(pattern), bytesOf(reply))?.end;

  it('is found anywhere', () => {
    expect(endIn('PONG', '+PONG\r\n')).toBe(5);
    expect(endIn('a.c', 'abc')).toBeUndefined();
    expect(endIn('[$^', '-[$^')).toBe(4);
    expect(endIn('hex:fe00', 'hex:fffe00')).toBe(3);
    expect(endIn('ä', 'hex:c3a4')).toBe(2);
    expect(endIn('/^.PO(?:NG|OL)/', '+PONG\r\n')).toBe(5);
    expect(endIn('/b.c/', 'ab\nc')).toBe(4);
  });

  it('is looked for in the beginning', () => {
    const reply = new Uint8Array(2 * MOST_MATCHED_BYTES).fill(0x61);
    reply[MOST_MATCHED_BYTES - 1] = 0x62;
    reply[MOST_MATCHED_BYTES] = 0x63;
    expect(matchOf(parsePattern('b'), reply)?.end).toBe(MOST_MATCHED_BYTES);
    expect(matchOf(parsePattern('c'), reply)).toBeUndefined();
  });

  it('at its worst does not keep anybody waiting', () => {
    const reply = new Uint8Array(100_000).fill(0x61);
    expect(matchOf(parsePattern('/^a*a*b/'), reply)).toBeUndefined();
  });

  it.each(['/(a|b)*c/', '/(a){2,}/', '/(a)\\1/', '/a*b*c*/', '/(?<n>a)\\k<n>/', '/a+b+c+/'])(
    '%s would',
    (pattern) => {
      expect(refusalOf(() => parsePattern(pattern)).code).toBe('BAD_USAGE');
    },
  );

  it('in a class nothing repeats', () => {
    expect(endIn('/[*+)*\\]{]x[(+*]\\*\\+/', ']x(*+')).toBe(5);
  });
});
