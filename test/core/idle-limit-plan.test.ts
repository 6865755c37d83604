import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bracketOf,
  longest,
  nextSilences,
  type IdleLimitTerms,
} from '../../src/core/idle-limit-plan.js';
import type { IdleOutcome, IdleTrial } from '../../src/core/idle-limit-result.js';

const terms: IdleLimitTerms = { waitMs: 1_200_000, most: 14 };

describe('the first round', () => {
  it('doubles up to the wait', () => {
    expect(nextSilences([], terms).map((ms) => ms / 1000)).toEqual([
      1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1200,
    ]);
  });

  it('tries no silence twice', () => {
    expect(nextSilences([], { ...terms, waitMs: 4000 })).toEqual([1000, 2000, 4000]);
    expect(nextSilences([], { ...terms, waitMs: 4010 })).toEqual([1000, 2000, 4010]);
    expect(nextSilences([], { ...terms, waitMs: 1000 })).toEqual([1000]);
  });

  it('is steeper where few may be tried', () => {
    expect(nextSilences([], { ...terms, most: 2 })).toEqual([1000, 1_200_000]);
    expect(nextSilences([], { waitMs: 64_000, most: 4 })).toEqual([1000, 4000, 16_000, 64_000]);
  });
});

describe('the next round', () => {
  it('divides what is left evenly', () => {
    expect(nextSilences([lived(8000), lost(16_000)], terms)).toEqual([
      9000, 10_000, 11_000, 12_000, 13_000, 14_000, 15_000, 16_250,
    ]);
    expect(nextSilences([lived(16_000), lost(32_000)], terms)).toHaveLength(14);
  });

  it('tries again what was lost, and goes on from there should it live', () => {
    const trials = [lived(8000), lost(16_010), ...[10_000, 12_000, 14_000, 16_260].map(lived)];
    expect(bracketOf(trials)).toMatchObject({ livedMs: 16_260, loss: undefined });
    expect(nextSilences(trials, { ...terms, waitMs: 100_000 })).toEqual([32_520, 65_040, 100_000]);
  });

  it('tries a loss again once', () => {
    const trials = [lived(1000), lost(30_000), lived(10_000), lost(20_000)];
    expect(nextSilences(trials, { ...terms, most: 2 })).toEqual([13_333, 16_667]);
  });

  it('is not needed where the limit is known well enough', () => {
    expect(nextSilences([lived(1000), lost(2250)], terms)).toEqual([]);
    expect(nextSilences([lived(1000), lost(2251)], terms)).toEqual([1626, 2501]);
  });

  it('is not needed after a goodbye, which tells the limit itself', () => {
    expect(nextSilences([lived(32_000), closed(60_000), closed(60_020)], terms)).toEqual([]);
  });

  it('is not needed when all lived up to the wait', () => {
    expect(nextSilences([lived(1000), lived(4000)], { ...terms, waitMs: 4000 })).toEqual([]);
  });

  it('is of no use where the other end breaks the silence', () => {
    expect(
      nextSilences([lived(8000), { silenceMs: 10_000, outcome: { kind: 'spoken' } }], terms),
    ).toEqual([]);
  });

  it('goes on where it ended when what was lost was an accident', () => {
    const trials = [closed(20), lost(4000), lived(8000)];
    expect(bracketOf(trials)).toMatchObject({ livedMs: 8000, loss: undefined });
    expect(nextSilences(trials, { ...terms, waitMs: 40_000 })).toEqual([16_000, 32_000, 40_000]);
  });
});

describe('any limit', () => {
  const waits = fc.integer({ min: 2000, max: 86_400_000 });
  const shares = fc.double({ min: 0.001, max: 1.5, noNaN: true });
  const counts = fc.integer({ min: 2, max: 62 });

  it('is bracketed, in a bounded time, by a bounded number at a time', () => {
    fc.assert(
      fc.property(waits, shares, counts, (waitMs, share, most) => {
        const limitMs = Math.max(1500, share * waitMs);
        const { trials, rounds, silences, tookMs } = found(limitMs, { waitMs, most });
        const { livedMs, loss } = bracketOf(trials);
        expect(livedMs).toBeLessThan(limitMs);
        if (limitMs > waitMs)
          expect({ livedMs, loss }).toEqual({ livedMs: waitMs, loss: undefined });
        else {
          expect(loss?.silenceMs).toBeGreaterThanOrEqual(limitMs);
          const widthMs = (loss?.silenceMs ?? Infinity) - livedMs;
          expect(widthMs).toBeLessThanOrEqual(Math.max(1000, 0.0715 * livedMs) * 1.25 + 1);
        }
        expect(silences).toBeLessThanOrEqual(most);
        const bound = longest({ waitMs, most });
        expect(rounds).toBeLessThanOrEqual(bound.rounds);
        expect(tookMs).toBeLessThanOrEqual(bound.silentMs + rounds * 250);
      }),
    );
  });

  it('takes two rounds, and no more than four times itself', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1500, max: 1_200_000 }), (limitMs) => {
        const { rounds, tookMs } = found(limitMs, terms);
        expect(rounds).toBeLessThanOrEqual(2);
        expect(tookMs).toBeLessThanOrEqual(4 * limitMs + 250);
      }),
    );
  });

  it('is said how long it takes beforehand', () => {
    expect(longest(terms)).toEqual({ rounds: 2, silentMs: 2_400_000 });
    expect(longest({ ...terms, most: 2 })).toEqual({ rounds: 8, silentMs: 9_600_000 });
    expect(longest({ ...terms, waitMs: 2000 })).toEqual({ rounds: 1, silentMs: 4000 });
  });
});

/** Plays all rounds against a path that forgets at that time. */
function found(limitMs: number, of: IdleLimitTerms) {
  const trials: IdleTrial[] = [];
  let [rounds, silences, tookMs] = [0, 0, 0];
  for (;;) {
    const next = nextSilences(trials, of);
    if (next.length === 0) return { trials, rounds, silences, tookMs };
    rounds++;
    silences = Math.max(silences, next.length);
    const ending = next.find((ms) => ms >= limitMs);
    tookMs += ending ?? Math.max(...next);
    trials.push(...next.filter((ms) => ms < limitMs).map(lived));
    if (ending !== undefined) trials.push(lost(ending));
  }
}

function lived(silenceMs: number): IdleTrial {
  return { silenceMs, outcome: { kind: 'lived' } };
}

function lost(silenceMs: number): IdleTrial {
  return { silenceMs, outcome: { kind: 'lost', how: 'silent' } };
}

function closed(silenceMs: number): IdleTrial {
  const outcome: IdleOutcome = { kind: 'closed', by: 'FIN' };
  return { silenceMs, outcome };
}
