/**
 * The kernel's keepalive rule, one timer after the other, as tcp_keepalive_timer in
 * net/ipv4/tcp_timer.c has it. Slow and obvious on purpose: `keepaliveDeath` must agree with it
 * without having been copied from it.
 */
import type { Armed } from './armed.js';

export interface DeadPeer {
  readonly idleMs: number;
  readonly intervalMs: number;
  readonly count: number;
  readonly userTimeoutMs: number | undefined;
  /** When the timer that is running at the last received segment is due, counted from that segment. */
  readonly firstTimerMs: number;
}

/**
 * When the connection dies, from the last received segment.
 * @param latenessMs of a timer so long
 * @param onArmed at every timer that is armed
 */
export function simulateKeepaliveDeath(
  { idleMs, intervalMs, count, userTimeoutMs, firstTimerMs }: DeadPeer,
  latenessMs: (delayMs: number) => number,
  onArmed: (armed: Armed) => void = () => undefined,
): number {
  let elapsedMs = 0;
  let probesOut = 0;
  let delayMs = firstTimerMs;
  for (;;) {
    const lateMs = latenessMs(delayMs);
    onArmed({ at: elapsedMs, delayMs, lateMs, retransmissions: 0, backoff: 0, probesOut });
    elapsedMs += delayMs + lateMs;
    if (elapsedMs < idleMs) {
      delayMs = idleMs - elapsedMs;
      continue;
    }
    const over =
      userTimeoutMs === undefined
        ? probesOut >= count
        : elapsedMs >= userTimeoutMs && probesOut > 0;
    if (over) return elapsedMs;
    probesOut++;
    delayMs = intervalMs;
  }
}
