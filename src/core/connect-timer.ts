/**
 * SYNs into nothing: tcp_retransmit_timer and tcp_write_timeout, net/ipv4/tcp_timer.c. From Linux 6.5
 * the first `tcp_syn_linear_timeouts` retransmissions do not back off and do not count.
 */
import { modelTimeoutMs, RTO_MAX_MS } from './retransmission-timer.js';
import {
  addSpans,
  agoSpan,
  forAnyHz,
  granuleMs,
  sleepSpan,
  sleepsSpan,
  ZERO,
  type Dying,
  type Hz,
  type Span,
} from './timer-wheel.js';

/** TCP_TIMEOUT_INIT, RFC 6298 section 2.1. */
const FIRST_MS = 1000;

export interface Connecting {
  readonly synRetries: number;
  readonly linearTimeouts: number;
  readonly rtoMaxMs: number;
  /** Runs from the first SYN; looked at when the timer fires, but never by the first one, after a second. */
  readonly userTimeoutMs: number | undefined;
}

/** From the first SYN. */
export function connectDeath(connecting: Connecting, hz: Hz): Dying {
  return forAnyHz(hz, (ticks) => {
    const first = sleepSpan(FIRST_MS, ticks);
    const { death, sent } = untilGivenUp(
      connecting,
      { sent: 0, elapsed: first, next: first, longestAgoMs: 0 },
      ticks,
    );
    return { death, sent: [ZERO, ...sent] };
  });
}

export interface ConnectingNow extends Connecting {
  /** SYNs sent again so far. */
  readonly retransmissions: number;
  /** Until the timer that is running fires. */
  readonly expiresInMs: number;
}

/** Of a connection that is in the middle of it: from now. */
export function connectRest(connecting: ConnectingNow, hz: Hz): Dying {
  const { retransmissions, expiresInMs, userTimeoutMs = Infinity } = connecting;
  return forAnyHz(hz, (ticks) => {
    const slept = sleepsSpan(
      Array.from({ length: retransmissions }, (_, at) => synPauseMs(at, connecting)),
      ticks,
    );
    const pauseMs = synPauseMs(retransmissions, connecting);
    // The timer that is running was cut short by a user timeout where less was left.
    const dueAfter = (sleptMs: number) =>
      retransmissions === 0
        ? FIRST_MS
        : Math.min(sleptMs + pauseMs, Math.max(userTimeoutMs, sleptMs + 1000 / ticks));
    const due = { min: dueAfter(slept.min), max: dueAfter(slept.max) };
    // Its lateness was fixed when it was armed.
    const late = { min: 0, max: granuleMs(due.min - slept.min, ticks) };
    const progress = {
      sent: retransmissions,
      elapsed: addSpans(due, late),
      next: addSpans({ min: expiresInMs, max: expiresInMs }, late),
      longestAgoMs: agoSpan(due, expiresInMs, late.max).max,
    };
    return untilGivenUp(connecting, progress, ticks);
  });
}

/**
 * Half open at a server (reqsk_timer_handler, net/ipv4/inet_connection_sock.c): from now. What is sent
 * again at the client's own SYN (tcp_check_req) is counted too, without making the pauses longer: of
 * the pauses it is only known that they have not doubled more often, and have room for the timer.
 */
export function synReceivedRest(
  {
    synackRetries,
    retransmissions,
    expiresInMs,
  }: Pick<ConnectingNow, 'retransmissions' | 'expiresInMs'> & { readonly synackRetries: number },
  hz: Hz,
): Span {
  const pauseMs = (doublings: number) => Math.min(FIRST_MS * 2 ** doublings, RTO_MAX_MS);
  const most = Math.min(retransmissions, synackRetries);
  let fewest = 0;
  while (fewest < most && pauseMs(fewest) < expiresInMs) fewest++;
  const after = (doublings: number) =>
    sleepsSpan(
      Array.from({ length: synackRetries - doublings }, (_, at) => pauseMs(doublings + 1 + at)),
      hz,
    );
  return {
    min: expiresInMs + after(most).min,
    max: expiresInMs + granuleMs(pauseMs(most), hz) + after(fewest).max,
  };
}

/** How long after that many retransmissions the next one leaves. */
function synPauseMs(retransmissions: number, { linearTimeouts, rtoMaxMs }: Connecting): number {
  return Math.min(FIRST_MS * 2 ** Math.max(0, retransmissions - linearTimeouts), rtoMaxMs);
}

interface Progress {
  /** SYNs sent again so far. */
  readonly sent: number;
  /** From the first SYN until the timer that is running fires. */
  readonly elapsed: Span;
  /** The same moment, from where the result counts. */
  readonly next: Span;
  /** How long before that the first SYN left, at most: the timers since may have been late. */
  readonly longestAgoMs: number;
}

function untilGivenUp(connecting: Connecting, progress: Progress, hz: number): Dying {
  const { synRetries, linearTimeouts, rtoMaxMs, userTimeoutMs = Infinity } = connecting;
  const modelMs = modelTimeoutMs(synRetries, rtoMaxMs, FIRST_MS);
  const limitMs = connecting.userTimeoutMs ?? modelMs;
  const tickMs = 1000 / hz;
  const sent: Span[] = [];
  let { elapsed, next } = progress;
  let soonestMs = Infinity;
  for (let number = progress.sent; ; number++) {
    // retransmits_timed_out: not before anything has been sent again.
    const isLookedAt = number > 0;
    if (isLookedAt && elapsed.max >= limitMs) {
      soonestMs = Math.min(soonestMs, Math.max(next.min, limitMs - progress.longestAgoMs));
    }
    if (number >= synRetries + linearTimeouts || (isLookedAt && elapsed.min >= limitMs)) break;
    sent.push(next);
    const pauseMs = synPauseMs(number + 1, connecting);
    const leftMs = Math.max(tickMs, userTimeoutMs - elapsed.min);
    const pause = sleepSpan(Math.min(pauseMs, leftMs), hz);
    elapsed = addSpans(elapsed, pause);
    const soonestCutMs = Math.max(next.min + tickMs, userTimeoutMs - progress.longestAgoMs);
    next = { min: Math.min(next.min + pauseMs, soonestCutMs), max: next.max + pause.max };
  }
  return { death: { min: Math.min(soonestMs, next.min), max: next.max }, sent };
}
