/**
 * Unanswered data: tcp_retransmit_timer and retransmits_timed_out, net/ipv4/tcp_timer.c. The limit
 * (TCP_USER_TIMEOUT, else what tcp_retries2 means as a time) runs from the first retransmission and
 * is looked at only when the timer fires, which doubles up to its maximum; with a user timeout the
 * last timer is clamped to it. Keepalive changes nothing here.
 */
import {
  addSpans,
  forAnyHz,
  granuleMs,
  sleepSpan,
  sleepsSpan,
  ticksMs,
  union,
  ZERO,
  type Dying,
  type Hz,
  type Span,
} from './timer-wheel.js';

/** TCP_RTO_MIN and TCP_RTO_MAX, include/net/tcp.h. */
export const RTO_MIN_MS = 200;
export const RTO_MAX_MS = 120_000;

export interface Unanswered {
  readonly retries2: number;
  readonly rtoMaxMs: number;
  readonly userTimeoutMs: number | undefined;
  /** Smoothed; far below a tick on a LAN. */
  readonly rttMs: number;
  /**
   * `one` segment gets a tail-loss probe first; of `several` the probe leaves almost at once. `either`:
   * another segment may follow before the first retransmission.
   */
  readonly inFlight: 'one' | 'several' | 'either';
}

/** From the unanswered write. */
export function retransmissionDeath(unanswered: Unanswered, hz: Hz): Dying {
  return forAnyHz(hz, (ticks) => {
    const { rttMs, inFlight } = unanswered;
    const rtoMs = rtoFor(rttMs, ticks);
    // Two round trips and TCP_RTO_MIN for a lone segment, but no later than the retransmission itself
    // would be (tcp_schedule_loss_probe).
    const loneProbeMs = rttMs + RTO_MIN_MS;
    const lone = sleepsSpan([loneProbeMs, rtoMs], ticks);
    const soon = {
      min: rtoMs,
      max: sleepsSpan([2 * rttMs + (2 * 1000) / ticks, rtoMs], ticks).max,
    };
    const first = { one: lone, several: soon, either: union([lone, soon]) }[inFlight];
    const { death, expiries } = untilGivenUp({ ...unanswered, rtoMs, afterFirst: ZERO }, ticks);
    const probe = inFlight === 'several' ? [] : [sleepSpan(loneProbeMs, ticks)];
    const retransmissions = [ZERO, ...expiries].map((at) => addSpans(first, at));
    return { death: addSpans(first, death), sent: [...probe, ...retransmissions] };
  });
}

export interface BackedOff {
  readonly retries2: number;
  readonly rtoMaxMs: number;
  readonly userTimeoutMs: number | undefined;
  /** Before any doubling. */
  readonly rtoMs: number;
  /** Doublings so far (tcpi_backoff), at least 1: it has been retransmitted. */
  readonly backoff: number;
  /** Until the timer that is running fires. */
  readonly expiresInMs: number;
  /** What no process holds any more is given up as soon as a timer of the longest kind fires. */
  readonly endsAtMaximum?: boolean;
}

/** How long data has been unanswered, at least: since its first retransmission. */
export function retransmittingForMs({ rtoMs, rtoMaxMs, backoff, expiresInMs }: BackedOff): number {
  let sleptMs = 0;
  for (let doubling = 1; doubling <= backoff; doubling++) {
    sleptMs += doubled(rtoMs, doubling, rtoMaxMs);
  }
  return Math.max(0, sleptMs - expiresInMs);
}

/** Of a connection that is in the middle of it: from now. */
export function retransmissionRest(state: BackedOff, hz: Hz): Dying {
  return forAnyHz(hz, (ticks) => {
    const { rtoMs, rtoMaxMs, expiresInMs, backoff } = state;
    const slept = Array.from({ length: backoff }, (_, at) => doubled(rtoMs, at + 1, rtoMaxMs));
    const afterFirst = sleepsSpan(slept, ticks);
    // Fixed when it was armed.
    const lateMs = granuleMs(doubled(rtoMs, backoff, rtoMaxMs), ticks);
    // The timer that is running ends `afterFirst` after the first retransmission.
    const firstAt = {
      min: expiresInMs - afterFirst.max,
      max: expiresInMs + lateMs - afterFirst.min,
    };
    const { death, expiries } = untilGivenUp({ ...state, afterFirst, doublings: backoff }, ticks);
    const next = { min: expiresInMs, max: expiresInMs + lateMs };
    return {
      death: { min: Math.max(expiresInMs, firstAt.min + death.min), max: firstAt.max + death.max },
      sent: [next, ...expiries.map((at) => addSpans(firstAt, at))],
    };
  });
}

/** tcp_model_timeout: what a number of retries means as a time. */
export function modelTimeoutMs(
  retries: number,
  rtoMaxMs = RTO_MAX_MS,
  baseMs = RTO_MIN_MS,
): number {
  const doublings = Math.floor(Math.log2(Math.max(1, rtoMaxMs / baseMs)));
  return retries <= doublings
    ? (2 ** (retries + 1) - 1) * baseMs
    : (2 ** (doublings + 1) - 1) * baseMs + (retries - doublings) * rtoMaxMs;
}

/** Smoothed round trip and TCP_RTO_MIN of variance (tcp_set_rto), the tick begun counted. */
export function rtoFor(rttMs: number, hz: number): number {
  return ticksMs(RTO_MIN_MS + Math.max(rttMs, 0.001), hz);
}

/** The latest first retransmission of a lone segment on a LAN; what is sent until then goes with it. */
export const FIRST_RETRANSMISSION_MS = 2 * RTO_MIN_MS;

interface Clock {
  readonly retries2: number;
  readonly rtoMaxMs: number;
  readonly userTimeoutMs: number | undefined;
  readonly rtoMs: number;
  /** When the next expiry comes that may end it; the first retransmission itself is none. */
  readonly afterFirst: Span;
  readonly doublings?: number;
  readonly endsAtMaximum?: boolean;
}

/** Everything from the first retransmission. Lateness counts: an expiry short of the limit may be late enough. */
function untilGivenUp(
  {
    retries2,
    rtoMaxMs,
    userTimeoutMs,
    rtoMs,
    afterFirst,
    doublings = 0,
    endsAtMaximum = false,
  }: Clock,
  hz: number,
): { readonly death: Span; readonly expiries: readonly Span[] } {
  const limitMs = userTimeoutMs ?? modelTimeoutMs(retries2, rtoMaxMs);
  const expiries: Span[] = [];
  let expiry = afterFirst;
  let soonestMs = expiry.max >= limitMs ? Math.max(limitMs, expiry.min) : Infinity;
  const isLast = (doubling: number) =>
    endsAtMaximum && doubled(rtoMs, doubling, rtoMaxMs) >= rtoMaxMs;
  let doubling = doublings;
  while (expiry.min < limitMs && !isLast(doubling)) {
    doubling++;
    if (expiry !== afterFirst) expiries.push(expiry);
    const rto = doubled(rtoMs, doubling, rtoMaxMs);
    const delay = userTimeoutMs === undefined ? rto : Math.min(rto, userTimeoutMs - expiry.min);
    expiry = addSpans(expiry, sleepSpan(delay, hz));
    if (expiry.max >= limitMs) soonestMs = Math.min(soonestMs, Math.max(limitMs, expiry.min));
  }
  if (isLast(doubling)) soonestMs = Math.min(soonestMs, expiry.min);
  return { death: { min: soonestMs, max: expiry.max }, expiries };
}

function doubled(rtoMs: number, doublings: number, rtoMaxMs: number): number {
  return Math.min(rtoMs * 2 ** doublings, rtoMaxMs);
}
