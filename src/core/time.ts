/** Points in time. Durations are plain numbers named `…Ms`; an `Instant` cannot be passed as one. */

declare const instant: unique symbol;

/** Milliseconds on some monotonic clock, comparable between the processes of one host. */
export type Instant = number & { readonly [instant]: true };

export function instantAt(ms: number): Instant {
  return ms as Instant;
}

/**
 * What a field begins with that takes an instant with every received chunk. One that was ever undefined, as a
 * field without an initial value is, takes a new object for every number, which V8 then keeps track of; one
 * that was always a number is overwritten in place.
 */
export const NO_INSTANT = instantAt(NaN);

export function addMs(from: Instant, ms: number): Instant {
  return instantAt(from + ms);
}

export function msBetween(from: Instant, to: Instant): number {
  return to - from;
}

/** The earlier of two deadlines that may not exist. */
export function earliest(a: Instant | undefined, b: Instant | undefined): Instant | undefined {
  if (a === undefined) return b;
  return b === undefined || a <= b ? a : b;
}

/** The first moment after `now` of those that follow `due` at every interval: what was missed is left out. */
export function nextSlot(due: Instant, intervalMs: number, now: Instant): Instant {
  const missed = Math.max(0, Math.floor(msBetween(due, now) / intervalMs));
  return addMs(due, (missed + 1) * intervalMs);
}
