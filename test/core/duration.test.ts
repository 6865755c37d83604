import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../src/core/duration.js';
import { TcpaliveError } from '../../src/errors.js';
import { refusalOf } from '../refusal.js';

describe('parseDuration', () => {
  it.each([
    ['250ms', 250],
    ['3s', 3000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['1.005s', 1005],
    ['1m30s', 90_000],
    ['2h', 7_200_000],
    ['1h1m1s1ms', 3_661_001],
    ['0h5m', 300_000],
    ['0.001ms', 0.001],
    ['168h', 604_800_000],
  ])('reads %s as %d ms', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each([
    ['5', "'5' has no unit: did you mean 5s?"],
    ['1.5', "'1.5' has no unit: did you mean 1.5s?"],
    ['', "'' is not a duration: write 250ms, 3s, 1m30s or 2h"],
    ['-3s', "'-3s' is not a duration: write 250ms, 3s, 1m30s or 2h"],
    ['3 s', "'3 s' is not a duration: write 250ms, 3s, 1m30s or 2h"],
    ['3S', "'3S' is not a duration: write 250ms, 3s, 1m30s or 2h"],
    ['s', "'s' is not a duration: write 250ms, 3s, 1m30s or 2h"],
    ['.s', "'.s' is not a duration: write 250ms, 3s, 1m30s or 2h"],
    ['1.2.3s', "'1.2.3s' is not a duration: write 250ms, 3s, 1m30s or 2h"],
    ['1s1m', "'1s1m' is not a duration: write 250ms, 3s, 1m30s or 2h"],
    ['1e3s', "'1e3s' is not a duration: write 250ms, 3s, 1m30s or 2h"],
    ['0', "'0' is out of range: more than 0, at most 168h"],
    ['0.0', "'0.0' is out of range: more than 0, at most 168h"],
    ['0s', "'0s' is out of range: more than 0, at most 168h"],
    ['0.0001ms', "'0.0001ms' is out of range: more than 0, at most 168h"],
    ['168h1ms', "'168h1ms' is out of range: more than 0, at most 168h"],
  ])('refuses %o', (text, message) => {
    const refusal = refusalOf(() => parseDuration(text));
    expect(refusal.message).toBe(message);
    expect(refusal.code).toBe('BAD_USAGE');
  });

  it('reads back every duration that formatDuration writes, to the microsecond', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 604_800_000_000 }), (microseconds) => {
        const ms = microseconds / 1000;
        expect(parseDuration(formatDuration(ms))).toBe(ms);
      }),
    );
  });

  it('never throws anything but a refusal, whatever the text', () => {
    const looksRight = fc
      .array(fc.constantFrom('1', '0', '90', '.', 'h', 'm', 's', 'ms', '-', ' ', 'e'))
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), looksRight), (text) => {
        try {
          expect(parseDuration(text)).toBeGreaterThan(0);
        } catch (error) {
          expect(error).toBeInstanceOf(TcpaliveError);
        }
      }),
    );
  });
});

describe('formatDuration', () => {
  it.each([
    [0, '0s'],
    [0.0001, '0s'],
    [0.25, '0.25ms'],
    [250, '250ms'],
    [1500, '1.5s'],
    [60_250, '1m250ms'],
    [90_000, '1m30s'],
    [3_600_000, '1h'],
    [7_260_000, '2h1m'],
    [925_000, '15m25s'],
  ])('writes %d ms as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
