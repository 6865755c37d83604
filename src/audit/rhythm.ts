/** Timers of a server's kernel, from when the segments that they sent were seen. */
import { granuleMs, type Span } from '../core/timer-wheel.js';

export interface Rhythm {
  /** Holds the interval that the timers were armed with. */
  readonly interval: Span;
  /** Segments that must have been lost on their way for the others to fit. */
  readonly missed: number;
}

/** How many segments in a row may be lost. */
const MOST_MISSED = 4;

/** A gap known less well than by that part of it gives no interval to measure the others by. */
const WELL_KNOWN = 0.25;

/**
 * What a timer was armed with that was seen to take `took`: it is never early, and late by up to a
 * granule of the wheel, whose HZ nobody tells. A round trip may be longer or shorter than another.
 */
export function armedWith(took: Span, rttMs: number): Span {
  const longest = Math.max(0, took.max + rttMs);
  return {
    min: Math.max(0, took.min - rttMs - granuleMs(longest, undefined)),
    max: longest,
  };
}

/** Undefined: they did not follow each other at one interval, not even with some of them lost. */
export function rhythm(moments: readonly Span[], rttMs: number): Rhythm | undefined {
  const gaps = gapsBetween(moments);
  const measure = shortest(gaps.filter(isWellKnown)) ?? shortest(gaps);
  if (measure === undefined) return undefined;
  let interval = armedWith(measure, rttMs);
  let missed = 0;
  for (const gap of gaps) {
    const sleeps = sleepsIn(gap, interval, rttMs);
    if (sleeps === undefined) return undefined;
    missed += sleeps - 1;
    interval = intersection(interval, eachOf(gap, sleeps, rttMs)) ?? interval;
  }
  // All of them together say more than each: when the first and the last were seen counts once.
  if (missed === 0 && gaps.length > 1) {
    const whole = between(moments.at(0), moments.at(-1));
    interval = intersection(interval, eachOf(whole, gaps.length, rttMs)) ?? interval;
  }
  // A back-off that doubles looks like more and more of them lost.
  return missed > 0 && missed >= gaps.length ? undefined : { interval, missed };
}

/** Every gap is as long as the one before or longer, and the last one much longer than the first. */
export function backsOff(moments: readonly Span[]): boolean {
  const gaps = gapsBetween(moments);
  const [first] = gaps;
  const last = gaps.at(-1);
  if (first === undefined || last === undefined || gaps.length < 2) return false;
  const neverShorter = gaps.every(
    (gap, at) => gap.max >= 0.8 * (gaps[at - 1]?.min ?? 0) && gap.max > 0,
  );
  return neverShorter && last.min >= 1.5 * first.max;
}

/** Segments that were seen within one breath are one sending: an answer has several. */
export function sendings(moments: readonly Span[], apartMs: number): readonly Span[] {
  const found: Span[] = [];
  for (const moment of moments) {
    const last = found.at(-1);
    if (last === undefined || moment.max - last.max >= apartMs) found.push(moment);
  }
  return found;
}

export function gapsBetween(moments: readonly Span[]): readonly Span[] {
  return moments.slice(1).map((moment, at) => between(moments[at], moment));
}

export function intersection(a: Span, b: Span): Span | undefined {
  const both = { min: Math.max(a.min, b.min), max: Math.min(a.max, b.max) };
  return both.min <= both.max ? both : undefined;
}

function between(from: Span | undefined, to: Span | undefined): Span {
  if (from === undefined || to === undefined) return { min: 0, max: 0 };
  return { min: Math.max(0, to.min - from.max), max: Math.max(0, to.max - from.min) };
}

function isWellKnown({ min, max }: Span): boolean {
  return max - min <= WELL_KNOWN * min;
}

function shortest(gaps: readonly Span[]): Span | undefined {
  return gaps.toSorted((a, b) => a.min + a.max - (b.min + b.max)).at(0);
}

/** How many timers of that interval a gap took; undefined: no number of them. */
function sleepsIn(gap: Span, interval: Span, rttMs: number): number | undefined {
  for (let sleeps = 1; sleeps <= MOST_MISSED + 1; sleeps++) {
    if (intersection(interval, eachOf(gap, sleeps, rttMs)) !== undefined) return sleeps;
  }
  return undefined;
}

function eachOf(gap: Span, sleeps: number, rttMs: number): Span {
  return armedWith({ min: gap.min / sleeps, max: gap.max / sleeps }, rttMs / sleeps);
}
