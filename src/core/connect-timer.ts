/**
 * SYNs into nothing: tcp_retransmit_timer and tcp_write_timeout, net/ipv4/tcp_timer.c. From Linux 6.5
 * the first `tcp_syn_linear_timeouts` retransmissions do not back off and do not count.
 */
import { modelTimeoutMs } from './retransmission-timer.js';
import { addSpans, sleepSpan, ZERO, type Dying, type Hz, type Span } from './timer-wheel.js';

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
export function connectDeath(
  { synRetries, linearTimeouts, rtoMaxMs, userTimeoutMs }: Connecting,
  hz: Hz,
): Dying {
  const limitMs = userTimeoutMs ?? modelTimeoutMs(synRetries, rtoMaxMs, FIRST_MS);
  const sent: Span[] = [ZERO];
  let rtoMs = FIRST_MS;
  let elapsed = sleepSpan(rtoMs, hz);
  let soonestMs = Infinity;
  for (let retransmissions = 0; ; retransmissions++) {
    if (elapsed.max >= limitMs) soonestMs = Math.min(soonestMs, Math.max(limitMs, elapsed.min));
    if (retransmissions >= synRetries + linearTimeouts || elapsed.min >= limitMs) break;
    sent.push(elapsed);
    if (retransmissions >= linearTimeouts) rtoMs = Math.min(rtoMs * 2, rtoMaxMs);
    const leftMs = userTimeoutMs === undefined ? Infinity : userTimeoutMs - elapsed.min;
    elapsed = addSpans(elapsed, sleepSpan(Math.min(rtoMs, leftMs), hz));
  }
  return { death: { min: Math.min(soonestMs, elapsed.min), max: elapsed.max }, sent };
}
