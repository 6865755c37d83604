import { describe, expect, it } from 'vitest';
import { RestartPolicy } from '../../../src/core/guard/restart-policy.js';
import { instantAt, msBetween, type Instant } from '../../../src/core/time.js';

const backOff = { firstMs: 1000, mostMs: 8000 };
const start = instantAt(500);

describe('when a service is started again', () => {
  it('comes at once, then twice as late each time, and never later than the most', () => {
    const policy = new RestartPolicy({ most: 7, withinMs: 600_000 }, backOff);
    expect(waits(policy, 0)).toEqual([0, 1000, 2000, 4000, 8000, 8000, 8000, 'give-up']);
  });

  it('is spread over the second half of the back-off', () => {
    const policy = new RestartPolicy({ most: 4, withinMs: 600_000 }, backOff);
    expect(waits(policy, 1)).toEqual([0, 500, 1000, 2000, 'give-up']);
  });

  it('holds one back that works for a while each time like one that never does', () => {
    const policy = new RestartPolicy({ most: 3, withinMs: 60_000 }, backOff);
    expect(waits(policy, 0, 15_000)).toEqual([0, 1000, 2000, 'give-up']);
  });

  it('forgets a restart once its time is over, and not a millisecond before', () => {
    const once = { most: 1, withinMs: 60_000 };
    const early = new RestartPolicy(once, backOff);
    early.next(0, start);
    expect(early.next(0, instantAt(60_499))).toEqual({ kind: 'give-up' });
    const late = new RestartPolicy(once, backOff);
    late.next(0, start);
    const again = instantAt(60_500);
    expect(late.next(0, again)).toEqual({ kind: 'restart', at: again, restart: 1 });
  });

  it('counts from the restart itself, and not from when it was decided', () => {
    const policy = new RestartPolicy(
      { most: 2, withinMs: 10_000 },
      { firstMs: 8000, mostMs: 8000 },
    );
    policy.next(0, instantAt(0));
    policy.next(0, instantAt(1000)); // takes place at 9,000
    expect(policy.recent(instantAt(18_999))).toBe(1);
    expect(policy.recent(instantAt(19_000))).toBe(0);
  });
});

/** How long each restart is waited for, where the service lives that long every time. */
function waits(
  policy: RestartPolicy,
  random: number,
  livesMs = 0,
): readonly (number | 'give-up')[] {
  const seen: (number | 'give-up')[] = [];
  let now: Instant = start;
  for (;;) {
    const decision = policy.next(random, now);
    if (decision.kind === 'give-up') return [...seen, 'give-up'];
    seen.push(msBetween(now, decision.at));
    now = instantAt(decision.at + livesMs);
  }
}
