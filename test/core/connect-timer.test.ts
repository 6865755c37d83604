import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { connectDeath, connectRest, synReceivedRest } from '../../src/core/connect-timer.js';
import { modelTimeoutMs } from '../../src/core/retransmission-timer.js';
import { simulateConnectDeath } from '../sim/kernel-connect.js';
import { simulateSynReceivedDeath } from '../sim/kernel-syn-received.js';
import type { Armed } from '../sim/armed.js';
import {
  expectWithin,
  lateness,
  latenessOf,
  moment,
  seenAt,
  userTimeoutMs,
} from './kernel-settings.js';

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

it('a user timeout ends it on time, but never at the first timer, after a second', () => {
  // Measured: 3.004 s and 3.012 s; 5.01 s.
  expect(connectDeath({ ...usual, userTimeoutMs: 3000 }, HZ).death.min).toBe(3000);
  expect(connectDeath({ ...usual, userTimeoutMs: 5000 }, HZ).death.min).toBe(5000);
  // Measured on Linux 6.18 with 300 to 1003 ms: 1.024 s, and once 1.036 s.
  const short = connectDeath({ ...usual, userTimeoutMs: 500 }, HZ);
  expect(short.death).toEqual({ min: 1004, max: 1040 });
  expect(short.sent.map(({ min }) => min)).toEqual([0, 1000]);
  expect(connectDeath({ ...usual, userTimeoutMs: 1003 }, HZ).death).toEqual({
    min: 1004,
    max: 1040,
  });
});

it('has its user timeout run from the first SYN, however late the timers were since', () => {
  const state = { ...usual, userTimeoutMs: 4000, retransmissions: 2, expiresInMs: 372 };
  const { min, max } = connectRest(state, HZ).death;
  // Measured on Linux 6.18: gone between 1339 and 1360 ms later.
  expect(min).toBeLessThan(1339);
  expect(min).toBeGreaterThanOrEqual(1372 - 64); // two pauses of a second, each late by at most 32 ms
  expect(max).toBeLessThan(1500);
});

const settings = fc
  .record({
    synRetries: fc.integer({ min: 1, max: 20 }),
    linearTimeouts: fc.nat({ max: 10 }),
    rtoMaxMs: fc.constantFrom(1000, 5000, 120_000),
    userTimeoutMs: fc.option(userTimeoutMs, { nil: undefined }),
  })
  .map((each) => ({
    ...each,
    modelTimeoutMs: modelTimeoutMs(each.synRetries, each.rtoMaxMs, 1000),
  }));
const knownHz = fc.constantFrom(100, 250, 300, 1000);

it("holds every end of the kernel's rule, however late each timer is", () => {
  fc.assert(
    fc.property(settings, knownHz, fc.boolean(), lateness, (syns, hz, isHzKnown, late) => {
      const simulated = simulateConnectDeath({ ...syns, tickMs: 1000 / hz }, latenessOf(late, hz));
      expectWithin(simulated, connectDeath(syns, isHzKnown ? hz : undefined).death);
    }),
    { numRuns: 10_000 },
  );
});

describe('connectRest', () => {
  it('after the sixth retransmission has four pauses to go, of 4 s and more', () => {
    // As ss showed one: timer:(on,3.012ms,6). 3.012 + 8 + 16 + 32 + 64 s; late up to 256 ms each, the
    // last two 2048 ms.
    const { death, sent } = connectRest({ ...usual, retransmissions: 6, expiresInMs: 3012 }, HZ);
    expect(death).toEqual({ min: 123_012, max: 127_876 });
    expect(sent.map(({ min }) => min)).toEqual([3012, 11_012, 27_012, 59_012]);
  });

  it('ends at the timer that is running when all SYNs have been sent', () => {
    const { death, sent } = connectRest({ ...usual, retransmissions: 10, expiresInMs: 500 }, HZ);
    expect(death).toEqual({ min: 500, max: 2548 });
    expect(sent).toEqual([]);
  });

  it('by a user timeout ends when it is over, the timers so far having been late or not', () => {
    const now = { ...usual, userTimeoutMs: 3000, retransmissions: 2, expiresInMs: 400 };
    // Two timers of a second have passed, up to 32 ms late each, and all but 400 ms of what was left.
    expect(connectRest(now, HZ).death).toEqual({ min: 400, max: 432 });
    const early = { ...now, retransmissions: 1, expiresInMs: 400 };
    expect(connectRest(early, HZ).death.min).toBe(400 + 1000 - 32);
    // Overdue, it may be 32 ms late by now, as the one before was.
    const overdue = { ...early, expiresInMs: 0 };
    expect(connectRest(overdue, HZ).death.min).toBe(1000 - 32 - 32);
  });

  it('at the beginning is the whole', () => {
    fc.assert(
      fc.property(settings, knownHz, (syns, hz) => {
        const rest = connectRest({ ...syns, retransmissions: 0, expiresInMs: 1000 }, hz);
        const whole = connectDeath(syns, hz);
        expect(rest.death).toEqual(whole.death);
        expect(rest.sent).toEqual(whole.sent.slice(1));
      }),
    );
  });

  it("from any moment holds the end of the kernel's rule", () => {
    fc.assert(
      fc.property(
        settings,
        knownHz,
        fc.boolean(),
        lateness,
        moment,
        (syns, hz, isHzKnown, late, when) => {
          const armed: Armed[] = [];
          const death = simulateConnectDeath(
            { ...syns, tickMs: 1000 / hz },
            latenessOf(late, hz),
            (timer) => armed.push(timer),
          );
          const { now, retransmissions, expiresInMs } = seenAt(armed, when);
          const state = { ...syns, retransmissions, expiresInMs };
          expectWithin(death - now, connectRest(state, isHzKnown ? hz : undefined).death);
        },
      ),
      { numRuns: 10_000 },
    );
  });
});

describe('synReceivedRest', () => {
  it('of a client that is gone is what is left of 63 s', () => {
    const fresh = { synackRetries: 5, retransmissions: 0, expiresInMs: 1000 };
    expect(synReceivedRest(fresh, HZ)).toEqual({ min: 63_000, max: 65_880 });
    // The fourth pause, of 8 s, has just begun: that many retransmissions and no fewer make it.
    const later = { synackRetries: 5, retransmissions: 3, expiresInMs: 8000 };
    expect(synReceivedRest(later, HZ)).toEqual({ min: 56_000, max: 58_560 });
  });

  it('does not take what its client made it send again for pauses that are over', () => {
    // As ss showed one whose client went on with its SYNs: timer:(on,3.108ms,8), a pause of 4 s.
    const now = { synackRetries: 5, retransmissions: 8, expiresInMs: 3108 };
    const { min, max } = synReceivedRest(now, HZ);
    expect(min).toBe(3108);
    expect(max).toBeGreaterThan(3108 + 8000 + 16_000 + 32_000);
  });

  it("from any moment holds the end of the kernel's rule", () => {
    const syn = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined });
    fc.assert(
      fc.property(
        fc.nat({ max: 10 }),
        fc.array(syn, { maxLength: 8 }),
        knownHz,
        fc.boolean(),
        lateness,
        moment,
        (synackRetries, synsAfter, hz, isHzKnown, late, when) => {
          const armed: Armed[] = [];
          const death = simulateSynReceivedDeath(
            { synackRetries, synsAfter },
            latenessOf(late, hz),
            (timer) => armed.push(timer),
          );
          // Of what is seen after the last SYN: until then it is not given up.
          const lastSyn = synsAfter
            .slice(0, armed.length)
            .findLastIndex((after) => after !== undefined);
          const { now, retransmissions, expiresInMs } = seenAt(armed.slice(lastSyn + 1), when);
          const state = { synackRetries, retransmissions, expiresInMs };
          expectWithin(death - now, synReceivedRest(state, isHzKnown ? hz : undefined));
        },
      ),
      { numRuns: 10_000 },
    );
  });
});
