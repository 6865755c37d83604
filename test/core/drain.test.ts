import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DrainPlan, type Drained } from '../../src/core/drain.js';
import { addMs, instantAt } from '../../src/core/time.js';

const START = instantAt(1000);
const TIMEOUT_MS = 10_000;

const quiet = (silentMs = 5000): Drained => ({ silentMs, isBetweenFrames: true });
const midFrame: Drained = { silentMs: 5000, isBetweenFrames: false };

function goodbyesAt(afterMs: number, open: readonly Drained[]): readonly Drained[] {
  return new DrainPlan(START, TIMEOUT_MS).goodbyes(open, addMs(START, afterMs)).now;
}

describe('a drain', () => {
  it('is over when its time is', () => {
    const plan = new DrainPlan(START, TIMEOUT_MS);
    for (const ms of [0, 5000, 9000, 9950]) {
      plan.goodbyes([midFrame], addMs(START, ms));
      expect(plan.isOver(addMs(START, ms))).toBe(false);
    }
    expect(plan.isOver(addMs(START, 9999))).toBe(false);
    expect(plan.isOver(addMs(START, TIMEOUT_MS))).toBe(true);
  });

  it('of a process that stood still is not over before everybody was told goodbye, and could answer', () => {
    const plan = new DrainPlan(START, TIMEOUT_MS);
    expect(plan.goodbyes([quiet(), quiet()], addMs(START, 5000)).now).toEqual([]);
    const awake = addMs(START, 3 * TIMEOUT_MS);
    expect(plan.isOver(awake)).toBe(false);
    expect(plan.goodbyes([quiet(), quiet()], awake).now).toHaveLength(2);
    expect(plan.isOver(addMs(awake, TIMEOUT_MS / 10 - 1))).toBe(false);
    expect(plan.isOver(addMs(awake, TIMEOUT_MS / 10))).toBe(true);
  });

  it('tells nobody goodbye in the first half, the first one after it, all who are quiet by eight tenths', () => {
    const plan = new DrainPlan(START, TIMEOUT_MS);
    const open = Array.from({ length: 4 }, () => quiet());
    const told = [4999, 5000, 5749, 5751, 7250, 8000].map((ms) => {
      const { now: goodbyes } = plan.goodbyes(open, addMs(START, ms));
      open.splice(0, goodbyes.length);
      return goodbyes.length;
    });
    expect(told).toEqual([0, 0, 1, 1, 1, 1]);
  });

  it('begins with who has been silent longest', () => {
    const [short, long] = [quiet(1200), quiet(4000)];
    const plan = new DrainPlan(START, TIMEOUT_MS);
    plan.goodbyes([short, long], addMs(START, 5000));
    expect(plan.goodbyes([short, long], addMs(START, 6500)).now).toEqual([long]);
  });

  it('tears nobody from a frame, and leaves who talks until nine tenths', () => {
    expect(goodbyesAt(9500, [midFrame])).toEqual([]);
    expect(goodbyesAt(8999, [quiet(999)])).toEqual([]);
    expect(goodbyesAt(8999, [quiet(1000)])).toHaveLength(1);
    expect(goodbyesAt(9000, [quiet(0)])).toHaveLength(1);
  });

  it('tells those who talk with their answers: evenly, once nobody is quiet, and all from eight tenths on', () => {
    const talking = quiet(0);
    const plan = new DrainPlan(START, TIMEOUT_MS);
    const open = [...Array.from({ length: 4 }, () => talking), quiet(), quiet()];
    const withAnswers = [4999, 5000, 5501, 6001, 6501, 7001, 7999, 8000, 9000].map((ms) => {
      const goodbyes = plan.goodbyes(open, addMs(START, ms));
      for (const told of goodbyes.now) open.splice(open.indexOf(told), 1);
      // Each is answered at once.
      if (Number.isFinite(goodbyes.withAnswers)) open.splice(0, goodbyes.withAnswers);
      return goodbyes.withAnswers;
    });
    expect(withAnswers).toEqual([0, 0, 0, 1, 1, 1, 1, Infinity, Infinity]);
    expect(open).toEqual([]);
  });

  it('keeps for later answers what is due to those who are in the middle of a frame', () => {
    const plan = new DrainPlan(START, TIMEOUT_MS);
    const open = [midFrame, midFrame];
    expect(plan.goodbyes(open, addMs(START, 5000))).toEqual({ now: [], withAnswers: 0 });
    expect(plan.goodbyes(open, addMs(START, 6600))).toEqual({ now: [], withAnswers: 2 });
  });

  it('says goodbyes evenly, whatever ends by itself meanwhile', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.array(share), (count, leaving) => {
        const plan = new DrainPlan(START, TIMEOUT_MS);
        let open = Array.from({ length: count }, () => quiet());
        for (let ms = 5000; ms < 8000; ms += 100) {
          const told = new Set(plan.goodbyes(open, addMs(START, ms)).now);
          // A tenth of a second is 1/30 of that time.
          expect(told.size).toBeLessThanOrEqual(Math.ceil(count / 30) + 1);
          open = open.filter((each) => !told.has(each));
          open = open.slice(0, Math.ceil(open.length * (leaving[ms / 100 - 50] ?? 1)));
          expect(open.length).toBeLessThanOrEqual(Math.floor((count * (8000 - ms)) / 3000) + 1);
        }
        expect(plan.goodbyes(open, addMs(START, 8000)).now).toEqual(open);
      }),
    );
  });
});
