/**
 * How late a kernel timer may be. A timer is never early and late by up to one granule of the timer
 * wheel (kernel/time/timer.c, LVL_GRAN), so every figure of the timer model is a span of
 * milliseconds, [Σ nominal, Σ (nominal + granule)] over the sleeps that make it up.
 */
export interface Span {
  readonly min: number;
  readonly max: number;
}

/** Ticks a second of the running kernel; undefined where it cannot be found out. */
export type Hz = number | undefined;

/** A connection that nobody answers any more: when it is given up, and what it sends until then. */
export interface Dying {
  readonly death: Span;
  /** When each probe or retransmission leaves. */
  readonly sent: readonly Span[];
}

export const ZERO: Span = { min: 0, max: 0 };

/** CONFIG_HZ offers these; the last one is what an unknown kernel could be worst at. */
const POSSIBLE_HZ = [1000, 300, 250, 100];

/** How late a timer of `delayMs` may be: one granule of the wheel level that holds it. */
export function granuleMs(delayMs: number, hz: Hz): number {
  if (hz === undefined) return Math.max(...POSSIBLE_HZ.map((each) => granuleMs(delayMs, each)));
  const jiffies = Math.ceil((delayMs * hz) / 1000);
  let granule = 1;
  // LVL_START(n) = 63 << 3(n - 1), each level eight times coarser; the wheel has nine levels.
  for (let start = 63; jiffies >= start && granule < 8 ** 8; start *= 8) granule *= 8;
  return (granule * 1000) / hz;
}

/** Timers that run one after the other. */
export function sleepsSpan(delaysMs: readonly number[], hz: Hz): Span {
  return delaysMs.reduce((span, delayMs) => addSpans(span, sleepSpan(delayMs, hz)), ZERO);
}

export function sleepSpan(delayMs: number, hz: Hz): Span {
  return { min: delayMs, max: delayMs + granuleMs(delayMs, hz) };
}

export function addSpans(a: Span, b: Span): Span {
  return { min: a.min + b.min, max: a.max + b.max };
}

/**
 * How long ago that was from which a running timer is due after `due`. One that is overdue says no
 * more than that: it expires in 0 ms (jiffies_delta_to_msecs in net/ipv4/inet_diag.c).
 */
export function agoSpan(due: Span, expiresInMs: number, lateMs: number): Span {
  return { min: due.min - expiresInMs, max: due.max + (expiresInMs > 0 ? -expiresInMs : lateMs) };
}

/** The whole ticks that the kernel makes of a time, at least one. */
export function ticksMs(ms: number, hz: number): number {
  return (Math.max(1, Math.ceil((ms * hz) / 1000)) * 1000) / hz;
}

/** Of an unknown HZ: what holds for every one that there is. */
export function forAnyHz(hz: Hz, die: (hz: number) => Dying): Dying {
  if (hz !== undefined) return die(hz);
  const each = POSSIBLE_HZ.map(die);
  const longest = each.reduce((a, b) => (b.sent.length > a.sent.length ? b : a));
  return {
    death: union(each.map(({ death }) => death)),
    sent: longest.sent.map((_, at) => union(each.flatMap(({ sent }) => sent[at] ?? []))),
  };
}

export function union(spans: readonly Span[]): Span {
  return {
    min: Math.min(...spans.map((span) => span.min)),
    max: Math.max(...spans.map((span) => span.max)),
  };
}
