/**
 * The kernel's window probes, one timer after the other, as tcp_probe_timer and tcp_send_probe0 in
 * net/ipv4 have them. Slow and obvious on purpose, like kernel-keepalive.ts.
 */
import type { Armed } from './armed.js';

/** Sums of fractions of a millisecond: the kernel counts whole ticks. */
const ROUNDING_MS = 0.0001;

export interface ClosedWindow {
  readonly baseMs: number;
  readonly rtoMaxMs: number;
  readonly retries2: number;
  readonly userTimeoutMs: number | undefined;
  /** How many probes its peer answers, with its window closed, before it vanishes. */
  readonly answers: number;
  /** The pause between two probes of a peer that answers is longer by that. */
  readonly rttMs: number;
  readonly tickMs: number;
}

/**
 * When it dies, from when the timer was armed; undefined: it outlives twenty thousand probes.
 * @param latenessMs of a timer so long
 * @param onArmed at every timer that is armed
 */
export function simulateZeroWindowDeath(
  { baseMs, rtoMaxMs, retries2, userTimeoutMs, answers, rttMs, tickMs }: ClosedWindow,
  latenessMs: (delayMs: number) => number,
  onArmed: (armed: Armed) => void = () => undefined,
): number | undefined {
  let probesOut = 0;
  let backoff = 0;
  let sent = 0;
  let firstProbeAt: number | undefined;
  let delayMs = Math.min(baseMs, rtoMaxMs);
  let now = 0;
  for (let timers = 0; timers < 20_000; timers++) {
    const lateMs = latenessMs(delayMs);
    onArmed({ at: now, delayMs, lateMs, retransmissions: 0, backoff, probesOut });
    now += delayMs + lateMs;
    if (firstProbeAt === undefined) firstProbeAt = now;
    else if (userTimeoutMs !== undefined && now - firstProbeAt >= userTimeoutMs - ROUNDING_MS) {
      return now;
    }
    if (probesOut >= retries2) return now;
    if (backoff < retries2) backoff++;
    probesOut++;
    const pauseMs = Math.min(baseMs * 2 ** Math.min(backoff, 10), rtoMaxMs);
    const begun = firstProbeAt;
    // tcp_clamp_probe0_to_user_timeout: two ticks at least (TCP_TIMEOUT_MIN).
    const delayFrom = (from: number) =>
      userTimeoutMs === undefined
        ? pauseMs
        : Math.min(pauseMs, Math.max(2 * tickMs, userTimeoutMs - (from - begun)));
    if (++sent <= answers) {
      probesOut = 0;
      // tcp_ack_probe: an answer that leaves the window closed arms the same pause anew.
      if (rttMs < delayFrom(now)) now += rttMs;
    }
    delayMs = delayFrom(now);
  }
  return undefined;
}
