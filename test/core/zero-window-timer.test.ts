import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { rtoFor } from '../../src/core/retransmission-timer.js';
import {
  zeroWindowAliveDeath,
  zeroWindowAliveRest,
  zeroWindowDeath,
  zeroWindowRest,
} from '../../src/core/zero-window-timer.js';
import type { Armed } from '../sim/armed.js';
import { simulateZeroWindowDeath } from '../sim/kernel-zero-window.js';
import {
  expectWithin,
  lateness,
  latenessOf,
  moment,
  seenAt,
  userTimeoutMs,
} from './kernel-settings.js';

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
    // However late the probes before were, the last timer is cut short to what is left, or two ticks.
    expect(death).toEqual({ min: 10_204, max: 10_208 + 8 + 256 });
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
          { ...settings, baseMs, answers: peerAnswers ? Infinity : 0, tickMs: 1000 / hz },
          latenessOf(late, hz),
        );
        // With tcp_retries2=0 the very first timer gives up, whether the peer answers or not.
        if (retries2 === 0) return;
        if (predicted === undefined) expect(simulated).toBeUndefined();
        else expectWithin(simulated ?? Infinity, predicted.death);
      },
    ),
    { numRuns: 10_000 },
  );
});

describe('from the middle', () => {
  const state = {
    ...blocked,
    rtoMs: 208,
    rttMs: 5,
    backoff: 5,
    probesOut: 4,
    expiresInMs: 3960,
    hasRoom: false,
  };

  it('a path that is dead has the probes left that are not out, and one more timer', () => {
    // As ss showed one: timer:(persist,3.960ms,4), backoff:5, rto:208. Eleven more probes: after
    // 3.96 s, then 208 ms doubled 6 to 9 times, then 120 s each.
    const { death, sent } = zeroWindowRest(state, HZ);
    expect(sent).toHaveLength(11);
    const pausesMs = [64, 128, 256, 512].map((times) => 208 * times);
    const nominalMs = 3960 + pausesMs.reduce((a, b) => a + b) + 7 * 120_000;
    expect(death.min).toBe(nominalMs);
    // Late: one of 6.656 s, three under 129 s, then one of 106 s and seven of 120 s.
    expect(death.max).toBe(nominalMs + 256 + 256 + 3 * 2048 + 7 * 2048);
  });

  it('the variance of the path counts, which only its retransmission timeout has', () => {
    const far = { ...state, rtoMs: 900, rttMs: 300, backoff: 0, probesOut: 0, expiresInMs: 900 };
    const sent = zeroWindowRest(far, HZ).sent.slice(0, 3);
    expect(sent.map(({ min }) => min)).toEqual([900, 2700, 6300]);
  });

  it('a peer that answers lives for ever without a user timeout', () => {
    expect(zeroWindowAliveRest({ ...state, probesOut: 0 }, HZ)).toBeUndefined();
  });

  it('a peer that answers is killed by one, that long after the first probe', () => {
    const alive = { ...state, rttMs: 0, probesOut: 0, userTimeoutMs: 20_000 };
    // Since the first probe: pauses of 416 to 3328 ms, then 2696 ms of one of 6656 ms.
    const agoMs = 416 + 832 + 1664 + 3328 + 2696;
    const lateMs = 32 + 32 + 32 + 256;
    expect(zeroWindowAliveRest(alive, HZ)?.death.min).toBe(20_000 - agoMs - lateMs);
  });

  it('a user timeout may have run for as long as a timer that is overdue can be late', () => {
    // As seen: 489 ms before its end, a timer of 3328 ms expired in 0 ms.
    const seen = { ...state, retries2: 5, rttMs: 0, userTimeoutMs: 7000, backoff: 4, probesOut: 3 };
    const soonest = (expiresInMs: number) => zeroWindowRest({ ...seen, expiresInMs }, HZ).death.min;
    const agoMs = 416 + 832 + 1664 + 3328;
    const lateMs = 32 + 32 + 32;
    expect(soonest(4)).toBe(7000 - agoMs - lateMs + 4);
    expect(soonest(0)).toBe(7000 - agoMs - lateMs - 256);
  });

  it('a window that is not closed yet is closed by what the timer that is running sends', () => {
    const open = { ...state, backoff: 0, probesOut: 0, userTimeoutMs: 3000, expiresInMs: 160 };
    const closed = zeroWindowAliveRest(open, HZ)?.death;
    const room = zeroWindowAliveRest({ ...open, hasRoom: true }, HZ)?.death;
    // An answer later, at once or not, the first probe's timer is armed.
    expect(room?.min).toBe((closed?.min ?? NaN) + 208);
    expect(room?.max).toBe((closed?.max ?? NaN) + 5 + 200 + 208 + 4);
    // Linux 6.18, 15,360 bytes of room: 3373 to 3380 ms from then.
    expect(3373).toBeGreaterThan(room?.min ?? NaN);
    expect(3380).toBeLessThan(room?.max ?? NaN);
    // Probed, it was closed.
    const probed = { ...open, backoff: 1 };
    expect(zeroWindowAliveRest({ ...probed, hasRoom: true }, HZ)).toEqual(
      zeroWindowAliveRest(probed, HZ),
    );
  });

  const settings = fc.record({
    retries2: fc.integer({ min: 1, max: 20 }),
    userTimeoutMs: fc.option(userTimeoutMs, { nil: undefined }),
    rtoMaxMs: fc.constantFrom(1000, 5000, 120_000),
    rttMs: fc.constantFrom(0, 0.2, 35, 400),
  });
  const knownHz = fc.constantFrom(100, 250, 300, 1000);

  it('at the beginning is the whole', () => {
    fc.assert(
      fc.property(settings, knownHz, (limits, hz) => {
        const rtoMs = rtoFor(limits.rttMs, hz);
        const first = { rtoMs, backoff: 0, probesOut: 0, expiresInMs: rtoMs, hasRoom: false };
        const now = { ...limits, ...first };
        expect(zeroWindowRest(now, hz)).toEqual(zeroWindowDeath(limits, hz));
        expect(zeroWindowAliveRest(now, hz)).toEqual(zeroWindowAliveDeath(limits, hz));
      }),
    );
  });

  it.each([
    ['that has answered and is gone', false],
    ['that answers', true],
  ])("of a peer %s: from any moment holds the end of the kernel's rule", (_, isAlive) => {
    fc.assert(
      fc.property(
        settings,
        fc.nat({ max: 30 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.tuple(knownHz, fc.boolean()),
        lateness,
        moment,
        (limits, answered, varianceMs, [hz, isHzKnown], late, when) => {
          if (isAlive && limits.userTimeoutMs === undefined) return;
          const tickMs = 1000 / hz;
          const rtoMs = rtoFor(limits.rttMs, hz) + varianceMs * tickMs;
          const answers = isAlive ? Infinity : answered;
          const armed: Armed[] = [];
          const death = simulateZeroWindowDeath(
            { ...limits, baseMs: rtoMs, answers, tickMs },
            latenessOf(late, hz),
            (timer) => armed.push(timer),
          );
          // Answered so far, and from now on not.
          const seen = armed.slice(isAlive ? 0 : Math.min(answers, armed.length - 1));
          const { now, backoff, probesOut, expiresInMs } = seenAt(seen, when);
          const state = { ...limits, rtoMs, backoff, probesOut, expiresInMs, hasRoom: false };
          const rest = isAlive ? zeroWindowAliveRest : zeroWindowRest;
          const dying = rest(state, isHzKnown ? hz : undefined);
          expectWithin((death ?? Infinity) - now, dying?.death ?? { min: NaN, max: NaN });
        },
      ),
      { numRuns: 10_000 },
    );
  });
});
