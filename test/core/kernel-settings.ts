/** Random settings of the kernel's timers, and random lateness of each, for property tests. */
import fc from 'fast-check';
import { granuleMs } from '../../src/core/timer-wheel.js';

/** Sums of fractions of a millisecond, where a tick is 3⅓ ms. */
export const ROUNDING_MS = 0.001;

/** Small ones often: that is where granules and rounds meet. */
export const seconds = fc.oneof(
  fc.integer({ min: 1, max: 20 }),
  fc.integer({ min: 1, max: 32_767 }),
);
export const count = fc.integer({ min: 1, max: 127 });
export const userTimeoutMs = fc.oneof(
  fc.integer({ min: 1, max: 60_000 }),
  fc.integer({ min: 1, max: 3_600_000 }),
);
export const hz = fc.constantFrom(100, 250, 300, 1000, undefined);

/** How late each timer is, as a part of its granule; the ends are where mistakes live. */
export const lateness = fc.array(
  fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
  { minLength: 1, maxLength: 8 },
);

export function latenessOf(parts: readonly number[], ticks: number | undefined) {
  let next = 0;
  return (delayMs: number) => (parts[next++ % parts.length] ?? 0) * granuleMs(delayMs, ticks);
}
