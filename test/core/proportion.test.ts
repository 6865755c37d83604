import fc from 'fast-check';
import { expect, it } from 'vitest';
import { proportion } from '../../src/core/proportion.js';

it('knows nothing for certain from few trials, and the ends are what they are', () => {
  expect(proportion(0, 20)).toMatchObject({ value: 0, low: 0 });
  expect(proportion(0, 20).high).toBeCloseTo(0.161, 3);
  expect(proportion(20, 20)).toMatchObject({ value: 1, high: 1 });
  // Wilson's own interval for 32 of 100.
  expect(proportion(32, 100).low).toBeCloseTo(0.237, 3);
  expect(proportion(32, 100).high).toBeCloseTo(0.417, 3);
});

it('always holds what was counted', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (trials, part) => {
        const successes = Math.round(part * trials);
        const { low, value, high } = proportion(successes, trials);
        expect(low).toBeLessThanOrEqual(value);
        expect(high).toBeGreaterThanOrEqual(value);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
      },
    ),
  );
});
