import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { matchEffort } from '../../src/core/match-effort.js';
import { matchOf, MOST_MATCHED_BYTES, parsePattern, type Pattern } from '../../src/core/pattern.js';
import { TcpaliveError } from '../../src/errors.js';

/** Such a match takes milliseconds; without a bound it takes minutes, or for ever. */
const QUICK_MS = 2000;

describe('the effort of a match', () => {
  it.each<[string, number]>([
    ['^abc', 5],
    ['^a|^b', 6],
    ['^a?b', 5],
    ['^a{3}b', 6],
    ['^(?:ab|c)d', 9],
  ])('%s', (bare, steps) => {
    expect(matchEffort(bare, 1024)).toBe(steps);
  });

  it('grows with where it may begin, and with what is repeated', () => {
    expect(matchEffort('a', 1024)).toBe(1024 * matchEffort('^', 1024));
    expect(matchEffort('^.*.*', 1024)).toBeGreaterThan(1024 ** 2);
    expect(matchEffort('^a{0,9}a{0,9}a{0,9}b', 1024)).toBeGreaterThan(1000);
    expect(matchEffort('^a{0,9}?a??b', 1024)).toBe(matchEffort('^a{0,9}a?b', 1024));
  });
});

const refused = [
  '/a{0,500}a{0,500}a{0,500}a{0,500}b/',
  `/${'a?'.repeat(30)}${'a'.repeat(30)}/`,
  `/^${'(a|a)'.repeat(30)}b/`,
  `/^${'(?:a|a)?'.repeat(30)}b/`,
  '/(.*)(.*)!/',
  '/a.*b.*c/',
  '/^.*.*.*b/',
  '/a{0,}a{1,}b/',
  '/.*.{900}b/',
  '/(?=a*b)(?=a*c)/',
];

const accepted = [
  '/a.*b/',
  '/^.*a.*b/',
  '/^a{0,500}a{0,500}b/',
  '/^(?:OK|NO|BAD) [^ ]* done/',
  '/ready|accepting connections|up since \\d+/',
];

describe('a reply to look for', () => {
  it.each(refused)('%s is refused', (text) => {
    expect(() => parsePattern(text)).toThrow(/repeats so much that it can take too long/);
  });

  it.each(accepted)('%s is accepted', (text) => {
    expect(parsePattern(text).text).toBe(text);
  });

  it('that is longer than what is looked at is refused', () => {
    expect(() => parsePattern('a'.repeat(1025))).toThrow('a reply of 1025 characters');
    expect(() => parsePattern(`/${'a'.repeat(1023)}/`)).toThrow('a reply of 1025 characters');
  });

  it('takes no longer than that, whatever it is', () => {
    const atom = fc.constantFrom('a', '.', '[ab]', '\\w', '(a|a)', '(?:a|ab|)', '(?=a)', 'b');
    const times = fc.constantFrom('', '', '?', '*', '+', '*?', '{0,500}', '{3}', '{2,}', '{0,9}?');
    const part = fc.tuple(atom, times).map((both) => both.join(''));
    const source = fc
      .tuple(fc.constantFrom('', '^'), fc.array(part, { minLength: 1, maxLength: 30 }))
      .map(([anchor, parts]) => `/${anchor}${parts.join('')}!/`);
    const replies = ['a', 'ab', 'b'].map((text) => Buffer.alloc(MOST_MATCHED_BYTES, text));
    fc.assert(
      fc.property(source, (text) => {
        const pattern = patternOf(text);
        if (pattern === undefined) return;
        const started = performance.now();
        for (const reply of replies) expect(matchOf(pattern, reply)).toBeUndefined();
        expect(performance.now() - started).toBeLessThan(QUICK_MS);
      }),
      { numRuns: 500 },
    );
  });
});

/** Undefined: refused. */
function patternOf(text: string): Pattern | undefined {
  try {
    return parsePattern(text);
  } catch (error) {
    if (error instanceof TcpaliveError) return undefined;
    throw error;
  }
}
