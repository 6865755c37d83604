import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safeKeepalive } from '../../src/core/safe-keepalive.js';
import { granuleMs } from '../../src/core/timer-wheel.js';

describe('the largest safe keepalive', () => {
  it('leaves room for a late timer and one lost probe', () => {
    // 17 s are 4250 ticks, which the timer wheel may serve 2.048 s late.
    expect(safeKeepalive(19_200, 250)).toEqual({
      idleSeconds: 16,
      intervalSeconds: 1,
      count: 6,
      firstProbeMs: 16_256,
      secondProbeMs: 17_288,
    });
  });

  it('is one second where that just fits, and none below', () => {
    expect(safeKeepalive(2064, 250)).toMatchObject({ idleSeconds: 1, secondProbeMs: 2064 });
    expect(safeKeepalive(2063, 250)).toBeUndefined();
    expect(safeKeepalive(0, 250)).toBeUndefined();
  });

  it('asks again after ten seconds at most', () => {
    expect(safeKeepalive(3_600_000, 250)).toMatchObject({ intervalSeconds: 10 });
  });

  it('is no more than the kernel takes', () => {
    expect(safeKeepalive(604_800_000, 250)).toMatchObject({ idleSeconds: 32_767 });
  });

  it('is the largest that fits, for every silence', () => {
    const hz = fc.constantFrom(100, 250, 300, 1000, undefined);
    fc.assert(
      fc.property(fc.integer({ min: 3000, max: 7_200_000 }), hz, (livedMs, ticks) => {
        const safe = safeKeepalive(livedMs, ticks);
        if (safe === undefined) throw new Error(`none for ${livedMs}`);
        const secondMs = (idleMs: number) =>
          idleMs +
          granuleMs(idleMs, ticks) +
          safe.intervalSeconds * 1000 +
          granuleMs(safe.intervalSeconds * 1000, ticks);
        expect(secondMs(safe.idleSeconds * 1000)).toBeLessThanOrEqual(livedMs);
        expect(secondMs((safe.idleSeconds + 1) * 1000)).toBeGreaterThan(livedMs);
      }),
    );
  });
});
