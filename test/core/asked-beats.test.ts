import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AskedBeats } from '../../src/core/asked-beats.js';
import { instantAt } from '../../src/core/time.js';

const at = instantAt;

function beats(intervalMs = 1000, timeoutMs = 3000): AskedBeats {
  return new AskedBeats({ intervalMs, timeoutMs }, at(0));
}

describe('beats that somebody else asks', () => {
  it('find silent who was asked, one timeout after the last answer, and not before', () => {
    const asked = beats();
    asked.step('asked', at(0));
    asked.step('heard', at(10));
    asked.step('asked', at(1000));
    asked.step('asked', at(2000));
    expect(asked.nextDeadline()).toBe(3010);
    expect(asked.step('tick', at(3009))).toEqual([]);
    expect(asked.step('tick', at(3010))).toEqual([
      { kind: 'give-up', by: 'heartbeat', silentMs: 3000 },
    ]);
  });

  it('find it one millisecond after the timeout too', () => {
    const asked = beats();
    asked.step('asked', at(0));
    expect(asked.step('tick', at(3001))).toMatchObject([{ kind: 'give-up', silentMs: 3001 }]);
  });

  it('are not put off by the next question, nor by the one after that', () => {
    const asked = beats();
    asked.step('asked', at(10));
    const due = asked.nextDeadline();
    for (let now = 1000; now < 3000; now += 250) {
      asked.step('asked', at(now));
      expect(asked.nextDeadline()).toBe(due);
      expect(asked.firstUnansweredAt).toBe(10);
    }
  });

  it('find nobody silent who was not asked, or not in time', () => {
    const asked = beats();
    expect(asked.nextDeadline()).toBeUndefined();
    expect(asked.step('tick', at(1_000_000))).toEqual([]);
    asked.step('asked', at(1_000_000)); // the loop was busy until now
    expect(asked.nextDeadline()).toBe(1_002_000);
    expect(asked.step('tick', at(1_001_999))).toEqual([]);
    expect(asked.step('tick', at(1_002_000))).toHaveLength(1);
  });

  it('wait half a timeout for an answer where beats are rare', () => {
    const asked = beats(1000, 1000);
    asked.step('asked', at(1000));
    expect(asked.nextDeadline()).toBe(1500);
  });

  it('stay quiet while answers come', () => {
    const asked = beats();
    for (let now = 0; now < 100_000; now += 1000) {
      asked.step('asked', at(now));
      expect(asked.step('tick', at(now + 1999))).toEqual([]);
      asked.step('heard', at(now + 999));
      expect(asked.heardAt).toBe(now + 999);
      expect(asked.nextDeadline()).toBeUndefined();
    }
  });

  it('blame nobody for a stall of our own, once', () => {
    const asked = beats();
    asked.step('asked', at(0));
    expect(asked.step('tick', at(3501))).toEqual([]); // half an interval and one
    expect(asked.nextDeadline()).toBe(5501);
    expect(asked.step('tick', at(9000))).toMatchObject([{ kind: 'give-up', silentMs: 9000 }]);
    const late = beats();
    late.step('asked', at(0));
    expect(late.step('tick', at(3500))).toHaveLength(1);
  });

  it('whatever comes, find silent only who was silent for the timeout', () => {
    const input = fc.constantFrom('asked' as const, 'heard' as const, 'tick' as const);
    const inputs = fc.array(fc.tuple(input, fc.nat(2000)), { maxLength: 100 });
    fc.assert(
      fc.property(inputs, (steps) => {
        const asked = beats();
        let now = 0;
        let heard = 0;
        for (const [what, laterMs] of steps) {
          now += laterMs;
          if (what === 'heard') heard = now;
          for (const action of asked.step(what, at(now))) {
            expect(action).toMatchObject({ kind: 'give-up', silentMs: now - heard });
            expect(now - heard).toBeGreaterThanOrEqual(3000);
          }
        }
      }),
    );
  });
});
