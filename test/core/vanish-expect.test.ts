import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMPARATORS } from '../../src/core/comparator.js';
import { checkVanishExpectation, parseVanishExpectation } from '../../src/core/vanish-expect.js';
import type { VanishedConnection } from '../../src/core/vanish-result.js';
import { TcpaliveError } from '../../src/errors.js';

/** A Redis with tcp-keepalive 3, as one connection saw it. */
const noticed: VanishedConnection = {
  noticed: true,
  noticedAfterMs: { ms: 6052, min: 6048, max: 6056 },
  how: 'RST',
  mechanism: 'keepalive',
  inferred: {
    settings: ['idleMs', 'intervalMs', 'count'],
    idleMs: { ms: 3000, min: 2940, max: 3030 },
    intervalMs: { ms: 1000, min: 940, max: 1030 },
    count: 3,
  },
  proven: true,
  watchedMs: 6056,
  lifted: 'not-lifted',
  unansweredMs: null,
  events: [],
};

const kept: VanishedConnection = {
  ...noticed,
  noticed: false,
  noticedAfterMs: null,
  how: null,
  mechanism: 'none-seen',
  inferred: { settings: [], idleMs: null, intervalMs: null, count: null },
};

function check(text: string, ...connections: readonly VanishedConnection[]) {
  const { pass, got } = checkVanishExpectation(parseVanishExpectation(text), { connections });
  return `${pass ? 'pass' : 'FAIL'}: ${got}`;
}

describe('what is expected of a server', () => {
  it.each([
    ['noticed<5m', 'pass: 6.048s to 6.056s'],
    ['noticed < 6.05s', 'FAIL: 6.048s to 6.056s'],
    ['noticed<=6056ms', 'pass: 6.048s to 6.056s'],
    ['noticed>6.048s', 'FAIL: 6.048s to 6.056s'],
    ['noticed>=6.048s', 'pass: 6.048s to 6.056s'],
    ['noticed=6.05s', 'pass: 6.048s to 6.056s'],
    ['noticed=6.06s', 'FAIL: 6.048s to 6.056s'],
    ['idle<=3s', 'FAIL: 2.94s to 3.03s'],
    ['interval>900ms', 'pass: 940ms to 1.03s'],
    ['count=3', 'pass: 3'],
    ['count<3', 'FAIL: 3'],
    ['mechanism=keepalive', 'pass: keepalive'],
    ['mechanism=idle-timeout', 'FAIL: keepalive'],
  ])('%s is held against the whole uncertainty', (text, outcome) => {
    expect(check(text, noticed)).toBe(outcome);
  });

  it('must hold for every connection; those that fail are named', () => {
    expect(check('noticed<5m', noticed, kept)).toBe('FAIL: not noticed');
    expect(check('mechanism=keepalive', noticed, kept)).toBe('FAIL: none-seen');
    expect(check('idle>0.1s', noticed, kept)).toBe('FAIL: not seen');
    expect(check('noticed<5m', noticed, noticed)).toBe('pass: 6.048s to 6.056s');
    expect(check('noticed<5m')).toBe('FAIL: nothing vanished');
  });

  it('is read back from its text', () => {
    const operator = fc.constantFrom(...COMPARATORS);
    const figure = fc.constantFrom('noticed', 'idle', 'interval');
    fc.assert(
      fc.property(figure, operator, fc.integer({ min: 1, max: 100_000 }), (name, sign, ms) => {
        const text = `${name} ${sign}  ${ms}ms`;
        const expectation = parseVanishExpectation(text);
        expect(expectation).toMatchObject({ figure: name, comparator: sign, value: ms });
        expect(parseVanishExpectation(expectation.text)).toEqual(expectation);
      }),
    );
  });

  it.each([
    ['noticed<5', /'5' has no unit: did you mean 5s\?/],
    ['worst<5s', /'worst<5s' is not an expectation: FIGURE OP VALUE/],
    ['idle noticed<5s', /'idle noticed<5s' is not an expectation/],
    ['constructor=1', /is not an expectation/],
    ['count=many', /'many' is not a count/],
    ['mechanism=luck', /'luck' is not a mechanism: keepalive, idle-timeout/],
    ['mechanism<keepalive', /a mechanism is one or not: mechanism=keepalive/],
  ])('%s is refused with what is accepted', (text, words) => {
    expect(() => parseVanishExpectation(text)).toThrow(words);
  });

  it('is refused in words or not at all', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          parseVanishExpectation(text);
        } catch (error) {
          if (!(error instanceof TcpaliveError)) throw error;
          expect(error.code).toBe('BAD_USAGE');
        }
      }),
    );
  });
});
