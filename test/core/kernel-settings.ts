/** Random settings of the kernel's timers, and random lateness of each, for property tests. */
import fc from 'fast-check';
import { expect } from 'vitest';
import { granuleMs, type Span } from '../../src/core/timer-wheel.js';
import type { Armed } from '../sim/armed.js';

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

/**
 * A moment of a simulated life: which of its timers is running, and how much of that is over: up to 1 of what
 * it was armed for, from there to 2 of what it is late.
 */
export const moment = fc.record({
  which: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  over: fc.oneof(fc.constantFrom(0, 1, 2), fc.double({ min: 0, max: 2, noNaN: true })),
});

export interface Seen extends Armed {
  readonly now: number;
  readonly expiresInMs: number;
}

export function seenAt(
  armed: readonly Armed[],
  { which, over }: { readonly which: number; readonly over: number },
): Seen {
  const timer = armed[Math.floor(which * armed.length)];
  if (timer === undefined) throw new Error('no timer was armed');
  const { at, delayMs, lateMs } = timer;
  const passedMs = Math.min(over, 1) * delayMs + Math.max(0, over - 1) * lateMs;
  // What is overdue is due now, as the kernel tells it.
  return { ...timer, now: at + passedMs, expiresInMs: Math.max(0, delayMs - passedMs) };
}

export function expectWithin(ms: number, { min, max }: Span): void {
  expect(ms).toBeGreaterThanOrEqual(min - ROUNDING_MS);
  expect(ms).toBeLessThanOrEqual(max + ROUNDING_MS);
}
