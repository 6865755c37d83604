import { describe, expect, it } from 'vitest';
import { holds, parseCountComparison, type Comparator } from '../../src/core/comparator.js';
import { TcpaliveError } from '../../src/errors.js';

describe('holds', () => {
  it.each<[Comparator, readonly boolean[]]>([
    ['<', [true, false, false]],
    ['<=', [true, true, false]],
    ['=', [false, true, false]],
    ['>=', [false, true, true]],
    ['>', [false, false, true]],
  ])('%s 6: five, six, seven', (comparator, expected) => {
    expect([5, 6, 7].map((found) => holds(found, { comparator, value: 6 }))).toEqual(expected);
  });

  it('knows of words only whether they are equal', () => {
    expect(holds('none', { comparator: '=', value: 'none' })).toBe(true);
    expect(holds('keepalive', { comparator: '=', value: 'none' })).toBe(false);
    expect(holds('keepalive', { comparator: '<', value: 'none' })).toBe(false);
    expect(holds(0, { comparator: '<=', value: 'none' })).toBe(false);
  });
});

describe('a count in a file', () => {
  it.each([
    ['6', '=', 6],
    ['=5', '=', 5],
    ['>0', '>', 0],
    ['>=6', '>=', 6],
    ['<64', '<', 64],
    ['<= 64', '<=', 64],
  ])('%s', (text, comparator, value) => {
    expect(parseCountComparison(text)).toEqual({ comparator, value });
  });

  it.each(['', '>', '6s', '-1', '6.5', '==6', '6>', '1234567890'])('refuses "%s"', (text) => {
    expect(() => parseCountComparison(text)).toThrow(TcpaliveError);
    expect(() => parseCountComparison(text)).toThrow(
      `'${text}' is not a count: a whole number, or a comparison such as '>0' or '<=64'`,
    );
  });
});
