/**
 * The kernel's retransmissions of one lone unanswered segment, one timer after the other, as
 * tcp_retransmit_timer and retransmits_timed_out in net/ipv4/tcp_timer.c have it. Slow and obvious
 * on purpose, like kernel-keepalive.ts.
 */
import type { Armed } from './armed.js';

export interface UnansweredWrite {
  readonly rtoMs: number;
  readonly rtoMaxMs: number;
  readonly tailLossProbeMs: number;
  /** What tcp_retries2 means as a time. */
  readonly modelTimeoutMs: number;
  readonly userTimeoutMs: number | undefined;
}

/**
 * When the connection dies, from the write.
 * @param latenessMs of a timer so long
 * @param onArmed at every timer that is armed from the first retransmission on
 */
export function simulateRetransmissionDeath(
  write: UnansweredWrite,
  latenessMs: (delayMs: number) => number,
  onArmed: (armed: Armed) => void = () => undefined,
): number {
  const limitMs = write.userTimeoutMs ?? write.modelTimeoutMs;
  const asleep = (delayMs: number) => delayMs + latenessMs(delayMs);
  const firstRetransmission = asleep(write.tailLossProbeMs) + asleep(write.rtoMs);
  let { rtoMs } = write;
  let elapsedMs = 0;
  for (let backoff = 1; elapsedMs < limitMs; backoff++) {
    rtoMs = Math.min(rtoMs * 2, write.rtoMaxMs);
    const clamped = Math.min(rtoMs, limitMs - elapsedMs);
    const delayMs = write.userTimeoutMs === undefined ? rtoMs : clamped;
    const at = firstRetransmission + elapsedMs;
    const lateMs = latenessMs(delayMs);
    onArmed({ at, delayMs, lateMs, retransmissions: backoff, backoff, probesOut: 0 });
    elapsedMs += delayMs + lateMs;
  }
  return firstRetransmission + elapsedMs;
}
