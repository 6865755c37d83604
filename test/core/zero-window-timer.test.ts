import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rtoFor } from '../../src/core/retransmission-timer.js';
import { zeroWindowAliveDeath, zeroWindowDeath } from '../../src/core/zero-window-timer.js';
import { simulateZeroWindowDeath } from '../sim/kernel-zero-window.js';
import { lateness, latenessOf, ROUNDING_MS, userTimeoutMs } from './kernel-settings.js';

const HZ = 250;
const blocked = { retries2: 15, rtoMaxMs: 120_000, userTimeoutMs: undefined, rttMs: 0 };

describe('a path that is dead', () => {
  it('is given up after tcp_retries2 probes and one more timer', () => {
    const { death, sent } = zeroWindowDeath(blocked, HZ);
    expect(sent).toHaveLength(15);
    expect(sent.slice(0, 3).map(({ min }) => min)).toEqual([204, 612, 1428]);
    expect(death).toEqual({ min: 928_692, max: 947_992 });
    // Measured on Linux 6.18: 942.96 s.
    expect(942_960).toBeGreaterThan(death.min);
    expect(942_960).toBeLessThan(death.max);
  });

  it('takes half an hour when the back-off was already at its end', () => {
    expect(zeroWindowDeath({ ...blocked, backoff: 10 }, HZ).death).toEqual({
      min: 1_920_000,
      max: 1_952_768,
    });
  });
});

describe('a peer that answers every probe and never reads', () => {
  it('lives for ever without a user timeout', () => {
    expect(zeroWindowAliveDeath(blocked, HZ)).toBeUndefined();
  });

  it('is killed by one, counted from the first probe', () => {
    // Measured on Linux 6.18 with 10 s: 10.23 s.
    const death = zeroWindowAliveDeath({ ...blocked, userTimeoutMs: 10_000 }, HZ)?.death;
    expect(death).toEqual({ min: 10_204, max: 10_816 });
  });
});

it("holds every death of the kernel's rule, however late each timer is", () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 20 }),
      fc.option(userTimeoutMs, { nil: undefined }),
      fc.constantFrom(100, 250, 300, 1000),
      fc.constantFrom(1000, 5000, 120_000),
      fc.boolean(),
      lateness,
      (retries2, ut, hz, rtoMaxMs, peerAnswers, late) => {
        const settings = { retries2, rtoMaxMs, userTimeoutMs: ut, rttMs: 0 };
        const predicted = peerAnswers
          ? zeroWindowAliveDeath(settings, hz)
          : zeroWindowDeath(settings, hz);
        const baseMs = rtoFor(0, hz);
        const simulated = simulateZeroWindowDeath(
          { ...settings, baseMs, peerAnswers: peerAnswers && retries2 > 0, tickMs: 1000 / hz },
          latenessOf(late, hz),
        );
        // With tcp_retries2=0 the very first timer gives up, whether the peer answers or not.
        if (retries2 === 0) return;
        if (predicted === undefined) expect(simulated).toBeUndefined();
        else {
          expect(simulated).toBeGreaterThanOrEqual(predicted.death.min - ROUNDING_MS);
          expect(simulated).toBeLessThanOrEqual(predicted.death.max + ROUNDING_MS);
        }
      },
    ),
    { numRuns: 10_000 },
  );
});
