import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  latencyRange,
  latencyWords,
  latestWords,
  predictionWords,
  roughly,
  silenceWords,
  spanWords,
} from '../../src/report/time-words.js';
import { never } from './comparison-fixture.js';

describe('spanWords', () => {
  it.each([
    [{ min: 3000, max: 4128 }, '3.00-4.13s'],
    [{ min: 3404, max: 3512 }, '3.40-3.52s'],
    [{ min: 0, max: 0 }, '0.00s'],
    [{ min: 925_000, max: 947_700 }, '15m25s-48s'],
    [{ min: 600_000, max: 612_000 }, '10m0s-12s'],
    [{ min: 599_000, max: 599_500 }, '9m59s-10m0s'],
    [{ min: 560_000, max: 588_000 }, '9m20s-9m48s'],
    [{ min: 60_000, max: 114_000 }, '1m0s-1m54s'],
    [{ min: 890_000, max: 902_100 }, '14m50s-15m3s'],
    [{ min: 50_000, max: 125_000 }, '50s-2m5s'],
    [{ min: 120_000, max: 120_000 }, '2m0s'],
    [{ min: 7_875_000, max: 7_978_000 }, '2h11m-2h13m'],
    [{ min: 1_800_000, max: 7_200_000 }, '30m-2h0m'],
  ])('%j is %s', (span, words) => {
    expect(spanWords(span)).toBe(words);
  });

  it('rounds outwards: a measured figure inside the span is inside what is shown', () => {
    const ms = fc.double({ min: 0, max: 59_000, noNaN: true });
    fc.assert(
      fc.property(ms, ms, ms, (...samples) => {
        const [min, inside, max] = samples.sort((a, b) => a - b);
        const shown = spanWords({ min, max }).replace('s', '').split('-').map(Number);
        const figure = Number(latencyWords(inside).replace('s', ''));
        expect(figure).toBeGreaterThanOrEqual(shown[0] ?? NaN);
        expect(figure).toBeLessThanOrEqual(shown.at(-1) ?? NaN);
      }),
    );
  });
});

it('predictionWords says never', () => {
  expect(predictionWords(never)).toBe('never');
});

it.each([
  [3620, '3.62s'],
  [0.4, '0.00s'],
  [59_990, '59.99s'],
  [939_300, '15m39s'],
  [7_890_000, '2h12m'],
])('latencyWords of %d ms is %s', (ms, words) => {
  expect(latencyWords(ms)).toBe(words);
});

it.each([
  [3560, 4120, '3.56-4.12s'],
  [4120, 4120, '4.12s'],
  [59_000, 61_000, '59.00s-1m1s'],
  [61_000, 62_000, '1m1s-1m2s'],
])('latencyRange of %d and %d ms is %s', (from, to, words) => {
  expect(latencyRange(from, to)).toBe(words);
});

it.each([
  [15_000, '15s'],
  [12_345, '12.3s'],
  [125_000, '2m5s'],
])('roughly %d ms is %s', (ms, words) => {
  expect(roughly(ms)).toBe(words);
});

it.each([
  [4121, '4.13s'],
  [947_700, '15m48s'],
  [7_978_000, '2h13m'],
])('latestWords of a span up to %d ms is %s', (max, words) => {
  expect(latestWords({ min: 0, max })).toBe(words);
});

it.each([
  [12_345, '12.3s'],
  [11_520_000, '3h12m'],
  [24 * 3_600_000, '1d0h'],
  [17.2 * 24 * 3_600_000, '17d4h'],
])('silenceWords of %d ms is %s', (ms, words) => {
  expect(silenceWords(ms)).toBe(words);
});
