import { describe, expect, it, onTestFinished } from 'vitest';
import { addMs, type Instant } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { deadlines } from '../../src/net/deadlines.js';
import { SOON_MS } from '../real-kernel.js';
import { until } from '../until.js';

describe('the deadlines of a process', () => {
  it('come at their time, never before, each to its owner', async () => {
    const begunAt = monotonicNow();
    const came: { readonly afterMs: number; readonly at: Instant }[] = [];
    for (const afterMs of [120, 3, 40, 41, 0]) {
      owner(addMs(begunAt, afterMs), () => came.push({ afterMs, at: monotonicNow() }));
    }
    await until(() => came.length === 5, SOON_MS);
    expect(new Set(came.map(({ afterMs }) => afterMs)).size).toBe(5);
    for (const { afterMs, at } of came) expect(at).toBeGreaterThanOrEqual(addMs(begunAt, afterMs));
  });

  it('that are over together come in slices, and others have their turn between them', async () => {
    const due = addMs(monotonicNow(), 20);
    let came = 0;
    for (let count = 0; count < 1000; count++) owner(due, () => came++);
    const seen = new Set<number>();
    await new Promise<void>((resolve) => {
      const look = () => {
        seen.add(came);
        if (came === 1000) resolve();
        else setImmediate(look);
      };
      look();
    });
    expect([...seen]).toEqual([0, 200, 400, 600, 800, 1000]);
  });

  it('do not come when what moves them back came while the loop was busy', async () => {
    const begunAt = monotonicNow();
    const moved = owner(addMs(begunAt, 20), () => expect.unreachable());
    let otherCame = false;
    owner(addMs(begunAt, 20), () => (otherCame = true));
    // Both are over when the timer gets its turn; this one is served before anybody is told.
    setTimeout(() => deadlines.move(moved, addMs(begunAt, 60_000)), 1);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    await until(() => otherCame, SOON_MS);
  });

  it('leave nothing running once their owners have left', () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout');
    const before = timers().length;
    const [near, far] = [1, 2].map(() =>
      deadlines.enter({ deadlineCame: () => expect.unreachable() }),
    );
    if (near === undefined || far === undefined) throw new Error('two');
    deadlines.move(near, addMs(monotonicNow(), 1000));
    deadlines.move(far, addMs(monotonicNow(), 100_000));
    expect(timers()).toHaveLength(before + 1);
    deadlines.leave(near);
    deadlines.leave(far);
    expect(timers()).toHaveLength(before);
  });
});

function owner(due: Instant, deadlineCame: () => void) {
  const deadline = deadlines.enter({ deadlineCame });
  deadlines.move(deadline, due);
  onTestFinished(() => deadlines.leave(deadline));
  return deadline;
}
