/** Points in time. Durations are plain numbers named `…Ms`; an `Instant` cannot be passed as one. */

declare const instant: unique symbol;

/** Milliseconds on some monotonic clock, comparable between the processes of one host. */
export type Instant = number & { readonly [instant]: true };

export function instantAt(ms: number): Instant {
  return ms as Instant;
}

export function addMs(from: Instant, ms: number): Instant {
  return instantAt(from + ms);
}

export function msBetween(from: Instant, to: Instant): number {
  return to - from;
}

/** The earliest of the deadlines that exist; undefined when there is none. */
export function earliest(...deadlines: readonly (Instant | undefined)[]): Instant | undefined {
  const known = deadlines.filter((deadline) => deadline !== undefined);
  return known.length === 0 ? undefined : instantAt(Math.min(...known));
}
