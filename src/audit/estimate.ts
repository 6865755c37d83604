/** From the span in which a time lies to the one that is told. */
import { roundMs } from '../core/distribution.js';
import type { Span } from '../core/timer-wheel.js';
import type { Estimate } from '../core/vanish-inference.js';

/** What people type, the roundest first: hours, and down to seconds. */
const ROUND_SECONDS = [3600, 1800, 600, 300, 60, 30, 15, 10, 5, 1];

/** @param ms the middle where nothing better is known: no end of the span is further from it */
export function estimate({ min, max }: Span, ms = (min + max) / 2): Estimate {
  return { ms: roundMs(ms), min: roundMs(min), max: roundMs(max) };
}

/** Of a time since a last word that left so much before its clock started, at most. */
export function sinceWord({ ms, min, max }: Estimate, wordWithinMs: number): Estimate {
  return { ms, min, max: roundMs(max + wordWithinMs) };
}

/**
 * Of what a kernel takes in whole seconds (TCP_KEEPIDLE, TCP_KEEPINTVL): the roundest of those that
 * it may be, the middle when it is none of them, another kernel's perhaps.
 */
export function wholeSeconds(span: Span): Estimate {
  for (const seconds of ROUND_SECONDS) {
    const stepMs = seconds * 1000;
    const ms = Math.floor(span.max / stepMs) * stepMs;
    if (ms >= span.min && ms > 0) return estimate(span, ms);
  }
  return estimate(span);
}
