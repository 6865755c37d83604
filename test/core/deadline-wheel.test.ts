import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineWheel, type Deadline } from '../../src/core/deadline-wheel.js';
import { instantAt } from '../../src/core/time.js';

const SECOND_MS = 1000;
const DAY_MS = 86_400_000;

/** Not on a slot of any level. */
const START_MS = 12_345_678;

describe('a deadline on the wheel', () => {
  it.each([
    ['1 ms', 1],
    ['the last of the first level', 31],
    ['the first of the second level', 32],
    ['a second', SECOND_MS],
    ['half a minute', 30 * SECOND_MS],
    ['two hours', 7200 * SECOND_MS],
    ['a day', DAY_MS],
    ['two years, beyond the last level', 730 * DAY_MS],
  ])('%s away comes at its time, not a millisecond before', (_, afterMs) => {
    const { wheel, arm, lookUpTo } = armedWheel();
    arm('it', START_MS + afterMs);
    expect(lookUpTo(START_MS + afterMs - 1)).toEqual([]);
    expect(wheel.nextLook()).toBe(START_MS + afterMs);
    expect(lookUpTo(START_MS + afterMs)).toEqual(['it']);
    expect(wheel.nextLook()).toBeUndefined();
  });

  it('of a fraction of a millisecond comes with the next whole one', () => {
    const { arm, lookUpTo } = armedWheel();
    arm('it', START_MS + 10.25);
    expect(lookUpTo(START_MS + 10)).toEqual([]);
    expect(lookUpTo(START_MS + 10.125)).toEqual([]);
    expect(lookUpTo(START_MS + 11)).toEqual(['it']);
  });

  it('in the past comes at once', () => {
    const { wheel, arm, expire } = armedWheel();
    arm('it', START_MS - 5 * SECOND_MS);
    expect(wheel.nextLook()).toBe(START_MS);
    expect(expire(START_MS)).toEqual(['it']);
  });

  it('comes once, and again when it is armed again', () => {
    const { wheel, arm, expire, lookUpTo } = armedWheel();
    arm('it', START_MS + 10);
    expect(expire(START_MS + 20)).toEqual(['it']);
    expect(expire(START_MS + 5000)).toEqual([]);
    arm('it', START_MS + 6000);
    expect(lookUpTo(START_MS + 6000)).toEqual(['it']);
    expect(wheel.nextLook()).toBeUndefined();
  });

  it('that moves back stays where it is, and is met at its new time', () => {
    const { wheel, arm, expire, lookUpTo } = armedWheel();
    arm('it', START_MS + 10);
    arm('it', START_MS + 45_678);
    expect(wheel.nextLook()).toBe(START_MS + 10);
    expect(expire(START_MS + 10)).toEqual([]);
    expect(lookUpTo(START_MS + 45_677)).toEqual([]);
    expect(lookUpTo(START_MS + 45_678)).toEqual(['it']);
  });

  it('that moves forward is met at its new time', () => {
    const { arm, lookUpTo } = armedWheel();
    arm('it', START_MS + DAY_MS);
    arm('it', START_MS + 3);
    expect(lookUpTo(START_MS + 2)).toEqual([]);
    expect(lookUpTo(START_MS + 3)).toEqual(['it']);
  });

  it('that is taken away does not come', () => {
    const { arm, lookUpTo } = armedWheel();
    arm('it', START_MS + 10);
    arm('it', undefined);
    expect(lookUpTo(START_MS + DAY_MS)).toEqual([]);
  });

  it('of an owner that has left does not come, and nothing is to be looked at', () => {
    const { wheel, arm, leave } = armedWheel();
    arm('it', START_MS + 10);
    leave('it');
    expect(wheel.nextLook()).toBeUndefined();
  });

  it('may be moved, and its owner may leave, while others are told of', () => {
    const wheel = new DeadlineWheel<string>(instantAt(START_MS));
    const [a, b, c] = ['a', 'b', 'c'].map((owner) => wheel.enter(owner));
    if (a === undefined || b === undefined || c === undefined) throw new Error('three');
    for (const each of [a, b, c]) wheel.move(each, instantAt(START_MS + 1));
    const told: string[] = [];
    wheel.expire(instantAt(START_MS + 1), Infinity, (owner) => {
      told.push(owner);
      wheel.leave(b);
      if (owner === 'c') wheel.move(c, instantAt(START_MS + 2));
    });
    expect(told).toEqual(['c', 'a']); // the last comes first
    wheel.expire(instantAt(START_MS + 2), Infinity, (owner) => told.push(owner));
    expect(told).toEqual(['c', 'a', 'c']);
  });
});

describe('expiring in slices', () => {
  it('looks at no more than it may, and says that there is more', () => {
    const { wheel, arm, expire } = armedWheel();
    for (let number = 0; number < 10; number++) arm(`${number}`, START_MS + 5);
    const now = START_MS + SECOND_MS;
    const slices = [4, 4, 4].map((most) => {
      expect(wheel.nextLook()).toBeLessThan(now);
      return expire(now, most).length;
    });
    expect(slices).toEqual([4, 4, 2]);
    expect(wheel.nextLook()).toBeUndefined();
  });

  it('counts what it only looks at', () => {
    const { arm, expire } = armedWheel();
    for (let number = 0; number < 10; number++) {
      arm(`${number}`, START_MS + 5);
      arm(`${number}`, START_MS + DAY_MS);
    }
    arm('last', START_MS + 6);
    expect(expire(START_MS + 6, 10)).toEqual([]);
    expect(expire(START_MS + 6, 10)).toEqual(['last']);
  });
});

it('a deadline that moves back with every beat is looked at once a timeout', () => {
  const wheel = new DeadlineWheel<string>(instantAt(START_MS));
  const deadline = wheel.enter('it');
  let looks = 0;
  const end = START_MS + 3600 * SECOND_MS;
  for (let now = START_MS; now < end; now += SECOND_MS) {
    wheel.move(deadline, instantAt(now + 30 * SECOND_MS));
    const lookAt = wheel.nextLook() ?? Infinity;
    if (lookAt <= now) looks++;
    wheel.expire(instantAt(now), Infinity, () => expect.unreachable());
  }
  // A slot of the third level is a second wide.
  expect(looks).toBeLessThanOrEqual(3600 / 28);
});

it('expires what a sorted list would, never early and less than a millisecond late', () => {
  const owner = fc.nat({ max: 7 });
  const afterMs = fc.oneof(
    fc.double({ min: -50, max: 100, noNaN: true }),
    fc.double({ min: 0, max: 5000, noNaN: true }),
    fc.double({ min: 0, max: 40 * DAY_MS, noNaN: true }),
  );
  const command = fc.oneof(
    { arbitrary: fc.record({ owner, afterMs: fc.option(afterMs) }), weight: 4 },
    { arbitrary: fc.record({ leaves: owner }), weight: 1 },
    { arbitrary: fc.record({ passMs: afterMs.map(Math.abs) }), weight: 3 },
  );
  const start = fc.oneof(fc.double({ min: 0, max: 1e10, noNaN: true }), fc.constant(2 ** 31 - 7));
  fc.assert(
    fc.property(start, fc.array(command, { maxLength: 60 }), (startMs, commands) => {
      let now = instantAt(startMs);
      const wheel = new DeadlineWheel<number>(now);
      const deadlines = Array.from({ length: 8 }, (_, number) => wheel.enter(number));
      const model = new Map<number, number>();
      for (const step of commands) {
        if ('passMs' in step) {
          const upTo = instantAt(now + step.passMs);
          for (let look = wheel.nextLook(); ; look = wheel.nextLook()) {
            now = instantAt(Math.max(now, Math.min(look ?? Infinity, upTo)));
            const expired: number[] = [];
            wheel.expire(now, Infinity, (each) => expired.push(each));
            for (const each of expired) {
              const due = model.get(each) ?? Infinity;
              expect(due).toBeLessThanOrEqual(now);
              model.delete(each);
            }
            // What the wheel has not told of is not due, or since less than a millisecond.
            for (const due of model.values())
              expect(Math.ceil(due)).toBeGreaterThan(Math.floor(now));
            if (now >= upTo) break;
          }
        } else if ('leaves' in step) {
          wheel.leave(at(deadlines, step.leaves));
          model.delete(step.leaves);
        } else if (step.afterMs === null) {
          wheel.move(at(deadlines, step.owner), undefined);
          model.delete(step.owner);
        } else {
          const due = instantAt(now + step.afterMs);
          wheel.move(at(deadlines, step.owner), due);
          model.set(step.owner, due);
        }
      }
    }),
    { numRuns: 2000 },
  );
});

/** A wheel whose owners are names. */
function armedWheel() {
  const wheel = new DeadlineWheel<string>(instantAt(START_MS));
  const deadlines = new Map<string, Deadline<string>>();
  const expire = (now: number, most = Infinity): readonly string[] => {
    const told: string[] = [];
    wheel.expire(instantAt(now), most, (owner) => told.push(owner));
    return told;
  };
  const arm = (name: string, due: number | undefined) => {
    const deadline = deadlines.get(name) ?? wheel.enter(name);
    deadlines.set(name, deadline);
    wheel.move(deadline, due === undefined ? undefined : instantAt(due));
  };
  const leave = (name: string) => {
    const deadline = deadlines.get(name);
    if (deadline !== undefined) wheel.leave(deadline);
  };
  /** As whoever drives it: at every time that it asks for, and then at that one. */
  const lookUpTo = (now: number): readonly string[] => {
    const told: string[] = [];
    for (let look = wheel.nextLook(); look !== undefined && look < now; look = wheel.nextLook()) {
      told.push(...expire(look));
    }
    return [...told, ...expire(now)];
  };
  return { wheel, arm, leave, expire, lookUpTo };
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`${index} of ${list.length}`);
  return item;
}
