import fc from 'fast-check';
import { expect, it } from 'vitest';
import { connectDeath } from '../../src/core/connect-timer.js';
import { modelTimeoutMs } from '../../src/core/retransmission-timer.js';
import { simulateConnectDeath } from '../sim/kernel-connect.js';
import { lateness, latenessOf, ROUNDING_MS, userTimeoutMs } from './kernel-settings.js';

const HZ = 250;
const usual = { synRetries: 6, linearTimeouts: 4, rtoMaxMs: 120_000, userTimeoutMs: undefined };

it('sends eleven SYNs in 131 s from Linux 6.5 on', () => {
  const { death, sent } = connectDeath(usual, HZ);
  // Measured: 135.01 s, 11 SYNs.
  expect(sent.map(({ min }) => min / 1000)).toEqual([0, 1, 2, 3, 4, 5, 7, 11, 19, 35, 67]);
  expect(death).toEqual({ min: 131_000, max: 136_056 });
});

it('sends seven in 127 s before', () => {
  const { death, sent } = connectDeath({ ...usual, linearTimeouts: 0 }, HZ);
  expect(sent.map(({ min }) => min / 1000)).toEqual([0, 1, 3, 7, 15, 31, 63]);
  // Measured: 130.9 s.
  expect(death).toEqual({ min: 127_000, max: 131_928 });
});

it('a user timeout ends it on time, but never within the first second', () => {
  // Measured: 3.02 s and 5.01 s.
  expect(connectDeath({ ...usual, userTimeoutMs: 3000 }, HZ).death.min).toBe(3000);
  expect(connectDeath({ ...usual, userTimeoutMs: 5000 }, HZ).death.min).toBe(5000);
  expect(connectDeath({ ...usual, userTimeoutMs: 500 }, HZ).death.min).toBe(1000);
});

it("holds every end of the kernel's rule, however late each timer is", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 20 }),
      fc.nat({ max: 10 }),
      fc.constantFrom(1000, 5000, 120_000),
      fc.option(userTimeoutMs, { nil: undefined }),
      fc.constantFrom(100, 250, 300, 1000),
      lateness,
      (synRetries, linearTimeouts, rtoMaxMs, ut, hz, late) => {
        const settings = { synRetries, linearTimeouts, rtoMaxMs, userTimeoutMs: ut };
        const { min, max } = connectDeath(settings, hz).death;
        const simulated = simulateConnectDeath(
          { ...settings, modelTimeoutMs: modelTimeoutMs(synRetries, rtoMaxMs, 1000) },
          latenessOf(late, hz),
        );
        expect(simulated).toBeGreaterThanOrEqual(min - ROUNDING_MS);
        expect(simulated).toBeLessThanOrEqual(max + ROUNDING_MS);
      },
    ),
    { numRuns: 10_000 },
  );
});
