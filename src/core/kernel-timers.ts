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
  const dying = (probes: number) => [...untilProbe, ...Array<number>(probes).fill(intervalMs)];
  if (userTimeoutMs === undefined) return sleepsSpan(dying(settings.count), hz);

  // Lateness counts as silence: the timer just before the nominal one may already be late enough.
  let first = 1;
  while (sleepsSpan(dying(first), hz).max < userTimeoutMs) first++;
  let last = first;
  while (sum(dying(last)) < userTimeoutMs) last++;
  const min = Math.max(sum(dying(first)), Math.min(userTimeoutMs, sum(dying(last))));
  return { min, max: sleepsSpan(dying(last), hz).max };
}

/**
 * Death by retransmission of one lone unanswered segment, from its first transmission
 * (tcp_retransmit_timer and retransmits_timed_out, net/ipv4/tcp_timer.c).
 *
 * A tail-loss probe leaves first, then the first retransmission at t1. The limits run from t1 and
 * are looked at only when the timer fires; with a user timeout the last timer is clamped to it.
 * Round-trip times of a LAN are assumed: RTO is its minimum, rounded up to the next tick.
 */
export function retransmissionDeath(
  retries2: number,
  userTimeoutMs: number | undefined,
  hz: Hz,
): Span {
  if (hz === undefined) {
    const spans = POSSIBLE_HZ.map((each) => retransmissionDeath(retries2, userTimeoutMs, each));
    return {
      min: Math.min(...spans.map((span) => span.min)),
      max: Math.max(...spans.map((span) => span.max)),
    };
  }
  const rtoMs = ((Math.floor((RTO_MIN_MS * hz) / 1000) + 1) * 1000) / hz;
  const untilFirst = [RTO_MIN_MS, rtoMs];
  const limitMs = userTimeoutMs ?? modelTimeoutMs(retries2);
  const backOff: number[] = [];
  let elapsedMs = 0;
  for (let rto = rtoMs; elapsedMs < limitMs;) {
    rto = Math.min(rto * 2, RTO_MAX_MS);
    const delay = userTimeoutMs === undefined ? rto : Math.min(rto, userTimeoutMs - elapsedMs);
    backOff.push(delay);
    elapsedMs += delay;
  }
  return sleepsSpan([...untilFirst, ...backOff], hz);
}

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
