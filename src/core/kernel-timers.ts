/**
 * When the Linux kernel gives a connection up: its timers as pure arithmetic. Knows no connection
 * and no clock; every figure is a span of milliseconds from the event that armed the first timer.
 *
 * A kernel timer is never early and late by up to one granule of the timer wheel
 * (kernel/time/timer.c, LVL_GRAN). A span is [Σ nominal, Σ (nominal + granule)].
 */
import type { KeepaliveSettings } from './mode.js';

export interface Span {
  readonly min: number;
  readonly max: number;
}

/** Ticks a second of the running kernel; undefined where it cannot be found out. */
export type Hz = number | undefined;

/** CONFIG_HZ offers these; the last one is what an unknown kernel could be worst at. */
const POSSIBLE_HZ = [1000, 300, 250, 100];

/** TCP_RTO_MIN and TCP_RTO_MAX, include/net/tcp.h. */
const RTO_MIN_MS = 200;
const RTO_MAX_MS = 120_000;

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
  const min = sum(delaysMs);
  return { min, max: min + sum(delaysMs.map((delay) => granuleMs(delay, hz))) };
}

/**
 * Death by keepalive, from the last received segment (tcp_keepalive_timer, net/ipv4/tcp_timer.c).
 *
 * With a user timeout the count is ignored: the connection dies at the first timer that finds
 * the silence at least that long and one probe out.
 *
 * @param answeredBefore an earlier probe was answered, so the timer was re-armed with the interval
 *   and the first unanswered probe leaves after max(idle, interval).
 */
export function keepaliveDeath(
  settings: KeepaliveSettings,
  userTimeoutMs: number | undefined,
  answeredBefore: boolean,
  hz: Hz,
): Span {
  const idleMs = settings.idleSeconds * 1000;
  const intervalMs = settings.intervalSeconds * 1000;
  const untilProbe = answeredBefore ? firstProbeAfterAnswer(idleMs, intervalMs) : [idleMs];
  const firstProbe = sleepsSpan(untilProbe, hz);
  const interval = sleepsSpan([intervalMs], hz);
  const dying = (probes: number): Span => ({
    min: firstProbe.min + probes * interval.min,
    max: firstProbe.max + probes * interval.max,
  });
  if (userTimeoutMs === undefined) return dying(settings.count);

  // Lateness counts as silence: the timer just before the nominal one may already be late enough.
  let first = 1;
  while (dying(first).max < userTimeoutMs) first++;
  let last = first;
  while (dying(last).min < userTimeoutMs) last++;
  const min = Math.max(dying(first).min, Math.min(userTimeoutMs, dying(last).min));
  return { min, max: dying(last).max };
}

/**
 * Death by retransmission of an unanswered segment, from its first transmission
 * (tcp_retransmit_timer and retransmits_timed_out, net/ipv4/tcp_timer.c).
 *
 * A lone segment gets a tail-loss probe first, then the first retransmission at t1; with another one
 * in flight the probe leaves almost at once, and t1 is up to that much sooner. The limits run from t1 and
 * are looked at only when the timer fires; with a user timeout the last timer is clamped to it.
 * Round-trip times of a LAN are assumed: RTO is its minimum, rounded up to the next tick.
 *
 * @param followed another segment may be sent before t1
 */
export function retransmissionDeath(
  retries2: number,
  userTimeoutMs: number | undefined,
  followed: boolean,
  hz: Hz,
): Span {
  if (hz === undefined) {
    const spans = POSSIBLE_HZ.map((each) =>
      retransmissionDeath(retries2, userTimeoutMs, followed, each),
    );
    return {
      min: Math.min(...spans.map((span) => span.min)),
      max: Math.max(...spans.map((span) => span.max)),
    };
  }
  const rtoMs = ((Math.floor((RTO_MIN_MS * hz) / 1000) + 1) * 1000) / hz;
  const lone = sleepsSpan([RTO_MIN_MS, rtoMs], hz);
  const untilFirst = followed ? { min: rtoMs, max: lone.max } : lone;
  const limitMs = userTimeoutMs ?? modelTimeoutMs(retries2);
  // From t1. Lateness counts: an expiry nominally short of the limit may come late enough to end it.
  let expiry: Span = { min: 0, max: 0 };
  let soonestMs = Infinity;
  for (let rto = rtoMs; expiry.min < limitMs;) {
    rto = Math.min(rto * 2, RTO_MAX_MS);
    const delay = userTimeoutMs === undefined ? rto : Math.min(rto, userTimeoutMs - expiry.min);
    const sleep = sleepsSpan([delay], hz);
    expiry = { min: expiry.min + sleep.min, max: expiry.max + sleep.max };
    if (expiry.max >= limitMs) soonestMs = Math.min(soonestMs, Math.max(limitMs, expiry.min));
  }
  return { min: untilFirst.min + soonestMs, max: untilFirst.max + expiry.max };
}

/** The latest first retransmission of a lone segment; what is sent within that time goes with it. */
export const FIRST_RETRANSMISSION_MS = 2 * RTO_MIN_MS;

/** tcp_model_timeout: what tcp_retries2 means as a time. */
export function modelTimeoutMs(retries: number): number {
  const doublings = Math.floor(Math.log2(RTO_MAX_MS / RTO_MIN_MS));
  return retries <= doublings
    ? (2 ** (retries + 1) - 1) * RTO_MIN_MS
    : (2 ** (doublings + 1) - 1) * RTO_MIN_MS + (retries - doublings) * RTO_MAX_MS;
}

/** An answered probe re-arms with the interval; a timer that comes too early re-arms with the rest. */
function firstProbeAfterAnswer(idleMs: number, intervalMs: number): readonly number[] {
  return intervalMs >= idleMs ? [intervalMs] : [intervalMs, idleMs - intervalMs];
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
