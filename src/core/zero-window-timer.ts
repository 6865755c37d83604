/**
 * Data that the peer has no room for: tcp_probe_timer and tcp_send_probe0, net/ipv4/tcp_timer.c and
 * tcp_output.c. Any answer resets the count of probes, but neither the back-off nor the moment from
 * which a user timeout runs: the first probe.
 */
import { RTO_MAX_MS, RTO_MIN_MS, rtoFor } from './retransmission-timer.js';
import {
  addSpans,
  forAnyHz,
  granuleMs,
  sleepSpan,
  sleepsSpan,
  ZERO,
  type Dying,
  type Hz,
  type Span,
} from './timer-wheel.js';

export interface Blocked {
  readonly retries2: number;
  readonly rtoMaxMs: number;
  readonly userTimeoutMs: number | undefined;
  readonly rttMs: number;
  /** Doublings so far (tcpi_backoff): 0 until the first probe. */
  readonly backoff?: number;
}

/** From when the probe timer was armed, nothing being answered any more. */
export function zeroWindowDeath(blocked: Blocked, hz: Hz): Dying {
  return forAnyHz(hz, (ticks) => probeUntilGivenUp(blocked, true, fresh(blocked, ticks), ticks));
}

/** The same while the peer answers every probe: only a user timeout ends it. Undefined: nothing does. */
export function zeroWindowAliveDeath(blocked: Blocked, hz: Hz): Dying | undefined {
  if (blocked.userTimeoutMs === undefined) return undefined;
  return forAnyHz(hz, (ticks) => probeUntilGivenUp(blocked, false, fresh(blocked, ticks), ticks));
}

export interface BlockedNow extends Blocked {
  readonly backoff: number;
  /** Probes out and unanswered (tcpi_probes). */
  readonly probesOut: number;
  /** Until the timer that is running fires. */
  readonly expiresInMs: number;
}

/** Of a connection that is in the middle of it, nothing being answered any more: from now. */
export function zeroWindowRest(blocked: BlockedNow, hz: Hz): Dying {
  return forAnyHz(hz, (ticks) => probeUntilGivenUp(blocked, true, running(blocked, ticks), ticks));
}

/** The same while the peer answers every probe. Undefined: nothing ends it. */
export function zeroWindowAliveRest(blocked: BlockedNow, hz: Hz): Dying | undefined {
  if (blocked.userTimeoutMs === undefined) return undefined;
  return forAnyHz(hz, (ticks) => probeUntilGivenUp(blocked, false, running(blocked, ticks), ticks));
}

interface Progress {
  readonly probesOut: number;
  /** From the first probe until the timer that is running fires. */
  readonly elapsed: Span;
  /** The same moment, from where the result counts. */
  readonly next: Span;
}

function fresh(blocked: Blocked, hz: number): Progress {
  const first = sleepSpan(probeDelay(blocked, blocked.backoff ?? 0, hz), hz);
  return { probesOut: 0, elapsed: ZERO, next: first };
}

/** Every probe has doubled the pause once, answered or not; only so many times. */
function running(blocked: BlockedNow, hz: number): Progress {
  const { backoff, probesOut, expiresInMs } = blocked;
  const slept = Array.from({ length: backoff }, (_, at) => probeDelay(blocked, at + 1, hz));
  const lateMs = granuleMs(probeDelay(blocked, backoff, hz), hz);
  const next = { min: expiresInMs, max: expiresInMs + lateMs };
  return { probesOut, elapsed: sleepsSpan(slept, hz), next };
}

function probeUntilGivenUp(
  blocked: Blocked,
  counted: boolean,
  progress: Progress,
  hz: number,
): Dying {
  const { retries2, userTimeoutMs = Infinity, backoff = 0 } = blocked;
  const sent: Span[] = [];
  let { elapsed, next } = progress;
  let soonestMs = Infinity;
  let level = backoff;
  // The expiry after `retries2` unanswered probes gives up, unless the user timeout does so before.
  for (let probes = progress.probesOut; ; probes++) {
    if (elapsed.max >= userTimeoutMs) {
      soonestMs = Math.min(soonestMs, next.min + Math.max(0, userTimeoutMs - elapsed.min));
    }
    if (elapsed.min >= userTimeoutMs || (counted && probes >= retries2)) break;
    sent.push(next);
    if (level < retries2) level++;
    const leftMs = userTimeoutMs - elapsed.min;
    const delayMs = Math.max(1000 / hz, Math.min(probeDelay(blocked, level, hz), leftMs));
    const pause = sleepSpan(delayMs, hz);
    elapsed = addSpans(elapsed, pause);
    next = addSpans(next, pause);
  }
  return { death: { min: Math.min(soonestMs, next.min), max: next.max }, sent };
}

/** tcp_probe0_when: its own ceiling of doublings, then the ordinary maximum. */
function probeDelay({ rttMs, rtoMaxMs }: Blocked, backoff: number, hz: number): number {
  const baseMs = Math.max(RTO_MIN_MS, rtoFor(rttMs, hz));
  const most = Math.floor(Math.log2(RTO_MAX_MS / RTO_MIN_MS)) + 1;
  return Math.min(baseMs * 2 ** Math.min(backoff, most), rtoMaxMs);
}
