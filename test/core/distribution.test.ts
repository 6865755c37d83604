import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distribution, roundMs } from '../../src/core/distribution.js';

const someSamples = fc.array(fc.double({ min: 0, max: 1e9, noNaN: true }), { minLength: 1 });

describe('distribution', () => {
  it('of nothing does not exist', () => {
    expect(distribution([])).toBeUndefined();
  });

  it('of one sample is that sample four times', () => {
    expect(distribution([7])).toEqual({ min: 7, median: 7, p95: 7, max: 7, samples: [7] });
  });

  it('sorts as numbers, leaves its input alone and rounds to the microsecond', () => {
    const samples = [1000, 9.000_49, 10, 0.1 + 0.2];
    expect(distribution(samples)).toEqual({
      min: 0.3,
      median: 9,
      p95: 1000,
      max: 1000,
      samples: [0.3, 9, 10, 1000],
    });
    expect(samples).toEqual([1000, 9.000_49, 10, 0.1 + 0.2]);
  });

  it('takes the nearest rank: of twenty samples the 10th and the 19th', () => {
    const twenty = Array.from({ length: 20 }, (_, index) => index + 1);
    expect(distribution(twenty)).toMatchObject({ min: 1, median: 10, p95: 19, max: 20 });
  });

  it('shows only values that were measured, in order', () => {
    fc.assert(
      fc.property(someSamples, (samples) => {
        const measured = samples.map(roundMs);
        const result = distribution(samples);
        const figures = [result?.min, result?.median, result?.p95, result?.max];
        for (const figure of figures) expect(measured).toContain(figure);
        expect(figures).toEqual(figures.toSorted((a = 0, b = 0) => a - b));
      }),
    );
  });
});
