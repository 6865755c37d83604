import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keepaliveDeath, keepaliveRest } from '../../src/core/keepalive-timer.js';
import type { Armed } from '../sim/armed.js';
import { simulateKeepaliveDeath } from '../sim/kernel-keepalive.js';
import {
  count,
  expectWithin,
  hz,
  lateness,
  latenessOf,
  moment,
  ROUNDING_MS,
  seconds,
  seenAt,
  userTimeoutMs,
} from './kernel-settings.js';

const HZ = 250;

const keepalive = (idleSeconds: number, intervalSeconds: number, count: number) => ({
  idleSeconds,
  intervalSeconds,
  count,
});

describe('keepaliveDeath', () => {
  it('comes idle + count × interval after the last received segment', () => {
    expect(keepaliveDeath(keepalive(5, 3, 3), undefined, false, HZ).death).toEqual({
      min: 14_000,
      max: 15_024,
    });
  });

  it('comes max(idle, interval) + count × interval after it when a probe was answered before', () => {
    expect(keepaliveDeath(keepalive(1, 3, 1), undefined, false, HZ).death.min).toBe(4000);
    expect(keepaliveDeath(keepalive(1, 3, 1), undefined, true, HZ).death.min).toBe(6000);
    expect(keepaliveDeath(keepalive(5, 3, 1), undefined, true, HZ).death.min).toBe(8000);
  });

  it('with a user timeout comes at the first probe timer that finds it over', () => {
    expect(keepaliveDeath(keepalive(1, 11, 3), 5000, false, HZ).death.min).toBe(12_000);
    expect(keepaliveDeath(keepalive(1, 11, 3), 30_000, false, HZ).death.min).toBe(34_000);
    expect(keepaliveDeath(keepalive(5, 1, 3), 1000, false, HZ).death.min).toBe(6000);
  });

  it('with a user timeout may come a probe early, when lateness alone makes up the difference', () => {
    expect(keepaliveDeath(keepalive(2, 1, 3), 4001, false, HZ).death).toEqual({
      min: 4001,
      max: 5128,
    });
  });

  it('is worked out at once for the longest user timeout and the shortest interval', () => {
    const week = 604_800_000;
    expect(keepaliveDeath(keepalive(1, 1, 1), week, false, HZ).death.max).toBeGreaterThan(week);
  });

  it('never comes earlier for a longer idle time', () => {
    fc.assert(
      fc.property(
        seconds,
        seconds,
        seconds,
        count,
        fc.boolean(),
        hz,
        (a, b, interval, c, was, h) => {
          const [shorter, longer] = a < b ? [a, b] : [b, a];
          const early = keepaliveDeath(keepalive(shorter, interval, c), undefined, was, h).death;
          const late = keepaliveDeath(keepalive(longer, interval, c), undefined, was, h).death;
          expect(late.min).toBeGreaterThanOrEqual(early.min);
          expect(late.max).toBeGreaterThanOrEqual(early.max);
        },
      ),
    );
  });

  it('ignores the count when there is a user timeout', () => {
    fc.assert(
      fc.property(seconds, seconds, count, count, userTimeoutMs, hz, (i, v, one, other, ut, h) => {
        expect(keepaliveDeath(keepalive(i, v, one), ut, false, h)).toEqual(
          keepaliveDeath(keepalive(i, v, other), ut, false, h),
        );
      }),
    );
  });

  it("holds every death of the kernel's rule, however late each timer is", () => {
    fc.assert(
      fc.property(
        fc.tuple(seconds, seconds, count, hz),
        fc.option(userTimeoutMs, { nil: undefined }),
        fc.boolean(),
        fc.double({ min: 0, max: 1, noNaN: true }),
        lateness,
        ([idle, interval, c, h], ut, answeredBefore, armed, late) => {
          const settings = keepalive(idle, interval, c);
          const { min, max } = keepaliveDeath(settings, ut, answeredBefore, h).death;
          const death = simulateKeepaliveDeath(
            {
              idleMs: idle * 1000,
              intervalMs: interval * 1000,
              count: c,
              userTimeoutMs: ut,
              // Before the first answer the timer was armed with idle, any time before the segment.
              firstTimerMs: answeredBefore ? interval * 1000 : Math.ceil(armed * idle * 1000),
            },
            latenessOf(late, h),
          );
          expect(death).toBeGreaterThanOrEqual(min - ROUNDING_MS);
          expect(death).toBeLessThanOrEqual(max + ROUNDING_MS);
        },
      ),
      { numRuns: 10_000 },
    );
  });
});

it('sends its probes an interval apart, the last one an interval before the end', () => {
  const { death, sent } = keepaliveDeath(keepalive(5, 3, 3), undefined, false, HZ);
  expect(sent.map(({ min }) => min)).toEqual([5000, 8000, 11_000]);
  expect(death.min).toBe(14_000);
});

describe('keepaliveRest', () => {
  const state = { settings: keepalive(5, 3, 3), userTimeoutMs: undefined, silentMs: 8500 };

  it('counts the probes that are out', () => {
    const { death, sent } = keepaliveRest({ ...state, probesOut: 2, expiresInMs: 2500 }, HZ);
    expect(sent).toHaveLength(1);
    expect(death.min).toBe(5500);
  });

  it('gives up at the timer that is running when all of them are', () => {
    const { death, sent } = keepaliveRest({ ...state, probesOut: 3, expiresInMs: 200 }, HZ);
    expect(sent).toEqual([]);
    // Late by what it was armed with: an interval of 3 s.
    expect(death).toEqual({ min: 200, max: 456 });
  });

  it('with a user timeout looks at the silence, whatever the count', () => {
    const ut = { ...state, userTimeoutMs: 30_000, probesOut: 7, silentMs: 26_500 };
    expect(keepaliveRest({ ...ut, expiresInMs: 2500 }, HZ).death.min).toBe(5500);
  });

  it("from any moment with a probe out holds every death of the kernel's rule", () => {
    fc.assert(
      fc.property(
        fc.tuple(seconds, seconds, count, hz),
        fc.option(userTimeoutMs, { nil: undefined }),
        lateness,
        moment,
        ([idle, interval, c, h], ut, late, when) => {
          const armed: Armed[] = [];
          const death = simulateKeepaliveDeath(
            {
              idleMs: idle * 1000,
              intervalMs: interval * 1000,
              count: c,
              userTimeoutMs: ut,
              firstTimerMs: idle * 1000,
            },
            latenessOf(late, h),
            (timer) => armed.push(timer),
          );
          const { now, probesOut, expiresInMs } = seenAt(armed.slice(1), when);
          const settings = keepalive(idle, interval, c);
          const probing = { settings, userTimeoutMs: ut, probesOut, silentMs: now, expiresInMs };
          expectWithin(death - now, keepaliveRest(probing, h).death);
        },
      ),
      { numRuns: 5000 },
    );
  });
});
