import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { granuleMs, sleepsSpan } from '../../src/core/timer-wheel.js';

const HZ = 250;
const JIFFY_MS = 4;

describe('granuleMs', () => {
  it.each([
    { jiffies: 1, granule: 4 },
    { jiffies: 62, granule: 4 },
    { jiffies: 63, granule: 32 },
    { jiffies: 503, granule: 32 },
    { jiffies: 504, granule: 256 },
    { jiffies: 4031, granule: 256 },
    { jiffies: 4032, granule: 2048 },
    { jiffies: 32_255, granule: 2048 },
    { jiffies: 32_256, granule: 16_384 },
    { jiffies: 258_047, granule: 16_384 },
    { jiffies: 258_048, granule: 131_072 },
    { jiffies: 2_064_383, granule: 131_072 },
  ])('at HZ=250 a timer of $jiffies jiffies is late by up to $granule ms', (row) => {
    expect(granuleMs(row.jiffies * JIFFY_MS, HZ)).toBe(row.granule);
  });

  it.each([
    [100, 4],
    [1000, 32],
    [10_000, 256],
    [60_000, 2048],
    [600_000, 16_384],
    [7_200_000, 131_072],
  ])('at HZ=250 a timer of %d ms is late by up to %d ms', (delayMs, granule) => {
    expect(granuleMs(delayMs, HZ)).toBe(granule);
  });

  it('counts begun ticks: 249 ms are 63 jiffies', () => {
    expect(granuleMs(248, HZ)).toBe(4);
    expect(granuleMs(249, HZ)).toBe(32);
  });

  it('depends on the ticks a second', () => {
    expect([1000, 300, 250, 100].map((hz) => Math.round(granuleMs(1000, hz)))).toEqual([
      64, 27, 32, 80,
    ]);
  });

  it('has a last level, which keepalive cannot reach', () => {
    expect(granuleMs(1e12, HZ)).toBe(8 ** 8 * JIFFY_MS);
  });

  it('of an unknown HZ is never under that of any known one', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 604_800_000 }),
        fc.constantFrom(100, 250, 300, 1000),
        (delayMs, hz) => {
          expect(granuleMs(delayMs, undefined)).toBeGreaterThanOrEqual(granuleMs(delayMs, hz));
        },
      ),
    );
  });
});

it('sleeps one after the other add up, and so does their lateness', () => {
  expect(sleepsSpan([], HZ)).toEqual({ min: 0, max: 0 });
  expect(sleepsSpan([1000, 1000, 10_000], HZ)).toEqual({ min: 12_000, max: 12_320 });
});
