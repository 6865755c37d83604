/**
 * SYNs into nothing: tcp_retransmit_timer and tcp_write_timeout, net/ipv4/tcp_timer.c. From Linux 6.5
 * the first `tcp_syn_linear_timeouts` retransmissions do not back off and do not count.
 */
import { modelTimeoutMs, RTO_MAX_MS } from './retransmission-timer.js';
import {
  addSpans,
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
  /** Runs from the first SYN; looked at when the timer fires, whose first second is never clamped. */
  readonly userTimeoutMs: number | undefined;
}

/** From the first SYN. */
export function connectDeath(connecting: Connecting, hz: Hz): Dying {
  const first = sleepSpan(FIRST_MS, hz);
  const { death, sent } = untilGivenUp(connecting, { sent: 0, elapsed: first, next: first }, hz);
  return { death, sent: [ZERO, ...sent] };
}

export interface ConnectingNow extends Connecting {
  /** SYNs sent again so far. */
  readonly retransmissions: number;
  /** Until the timer that is running fires. */
  readonly expiresInMs: number;
}

/** Of a connection that is in the middle of it: from now. */
export function connectRest(connecting: ConnectingNow, hz: Hz): Dying {
  const { retransmissions, expiresInMs } = connecting;
  const slept = Array.from({ length: retransmissions + 1 }, (_, at) => synPauseMs(at, connecting));
  const running = { min: expiresInMs, max: expiresInMs + granuleMs(slept.at(-1) ?? FIRST_MS, hz) };
  const elapsed = sleepsSpan(slept, hz);
  return untilGivenUp(connecting, { sent: retransmissions, elapsed, next: running }, hz);
}

/** Half open at a server (reqsk_timer_handler, net/ipv4/inet_connection_sock.c): from now. */
export function synReceivedRest(
  {
    synackRetries,
    retransmissions,
    expiresInMs,
  }: Pick<ConnectingNow, 'retransmissions' | 'expiresInMs'> & { readonly synackRetries: number },
  hz: Hz,
): Span {
  const pause = (number: number) => Math.min(FIRST_MS * 2 ** number, RTO_MAX_MS);
  const running = { min: expiresInMs, max: expiresInMs + granuleMs(pause(retransmissions), hz) };
  const later = Array.from({ length: Math.max(0, synackRetries - retransmissions) }, (_, at) =>
    pause(retransmissions + 1 + at),
  );
  return addSpans(running, sleepsSpan(later, hz));
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
}

function untilGivenUp(connecting: Connecting, progress: Progress, hz: Hz): Dying {
  const { synRetries, linearTimeouts, rtoMaxMs, userTimeoutMs } = connecting;
  const limitMs = userTimeoutMs ?? modelTimeoutMs(synRetries, rtoMaxMs, FIRST_MS);
  const sent: Span[] = [];
  let { elapsed, next } = progress;
  let soonestMs = Infinity;
  for (let number = progress.sent; ; number++) {
    if (elapsed.max >= limitMs) {
      soonestMs = Math.min(soonestMs, next.min + Math.max(0, limitMs - elapsed.min));
    }
    if (number >= synRetries + linearTimeouts || elapsed.min >= limitMs) break;
    sent.push(next);
    const leftMs = userTimeoutMs === undefined ? Infinity : userTimeoutMs - elapsed.min;
    const pause = sleepSpan(Math.min(synPauseMs(number + 1, connecting), leftMs), hz);
    elapsed = addSpans(elapsed, pause);
    next = addSpans(next, pause);
  }
  return { death: { min: Math.min(soonestMs, next.min), max: next.max }, sent };
}
