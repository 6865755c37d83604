/**
 * Data that the peer has no room for: tcp_probe_timer and tcp_send_probe0, net/ipv4/tcp_timer.c and
 * tcp_output.c. Any answer resets the count of probes, but neither the back-off nor the moment from
 * which a user timeout runs: the first probe.
 */
import { RTO_MAX_MS, RTO_MIN_MS, rtoFor } from './retransmission-timer.js';
import {
  addSpans,
  forAnyHz,
  sleepSpan,
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
  return forAnyHz(hz, (ticks) => probeUntilGivenUp(blocked, true, ticks));
}

/** The same while the peer answers every probe: only a user timeout ends it. Undefined: nothing does. */
export function zeroWindowAliveDeath(blocked: Blocked, hz: Hz): Dying | undefined {
  if (blocked.userTimeoutMs === undefined) return undefined;
  return forAnyHz(hz, (ticks) => probeUntilGivenUp(blocked, false, ticks));
}

function probeUntilGivenUp(blocked: Blocked, counted: boolean, hz: number): Dying {
  const { retries2, rtoMaxMs, userTimeoutMs = Infinity, rttMs, backoff = 0 } = blocked;
  const baseMs = Math.max(RTO_MIN_MS, rtoFor(rttMs, hz));
  const first = sleepSpan(probeDelay(baseMs, backoff, rtoMaxMs), hz);
  const sent: Span[] = [first];
  let fromFirst = ZERO;
  let soonestMs = Infinity;
  let level = backoff;
  // The expiry after `retries2` unanswered probes gives up, unless the user timeout does so before.
  for (let probes = 1; fromFirst.min < userTimeoutMs && !(counted && probes > retries2); probes++) {
    if (level < retries2) level++;
    const delayMs = probeDelay(baseMs, level, rtoMaxMs);
    const clampedMs = Math.max(1000 / hz, Math.min(delayMs, userTimeoutMs - fromFirst.min));
    fromFirst = addSpans(fromFirst, sleepSpan(clampedMs, hz));
    sent.push(addSpans(first, fromFirst));
    if (fromFirst.max >= userTimeoutMs) {
      soonestMs = Math.min(soonestMs, Math.max(userTimeoutMs, fromFirst.min));
    }
  }
  const min = Math.min(soonestMs, fromFirst.min);
  return { death: addSpans(first, { min, max: fromFirst.max }), sent: sent.slice(0, -1) };
}

/** tcp_probe0_when: its own ceiling of doublings, then the ordinary maximum. */
function probeDelay(baseMs: number, backoff: number, rtoMaxMs: number): number {
  const most = Math.floor(Math.log2(RTO_MAX_MS / RTO_MIN_MS)) + 1;
  return Math.min(baseMs * 2 ** Math.min(backoff, most), rtoMaxMs);
}
