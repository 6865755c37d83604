/**
 * The kernel's SYNs, one timer after the other, as tcp_retransmit_timer and tcp_write_timeout in
 * net/ipv4/tcp_timer.c have them. Slow and obvious on purpose, like kernel-keepalive.ts.
 */
import type { Armed } from './armed.js';

export interface Syns {
  readonly synRetries: number;
  readonly linearTimeouts: number;
  readonly rtoMaxMs: number;
  readonly userTimeoutMs: number | undefined;
  /** What tcp_syn_retries means as a time, where there is no user timeout. */
  readonly modelTimeoutMs: number;
  readonly tickMs: number;
}

/** When connect() fails, from the first SYN. @param onArmed at every timer that is armed */
export function simulateConnectDeath(
  { synRetries, linearTimeouts, rtoMaxMs, userTimeoutMs, modelTimeoutMs, tickMs }: Syns,
  latenessMs: (delayMs: number) => number,
  onArmed: (armed: Armed) => void = () => undefined,
): number {
  let retransmissions = 0;
  let rtoMs = 1000;
  let delayMs = rtoMs;
  let now = 0;
  for (;;) {
    const lateMs = latenessMs(delayMs);
    onArmed({ at: now, delayMs, lateMs, retransmissions, backoff: 0, probesOut: 0 });
    now += delayMs + lateMs;
    if (retransmissions >= synRetries + linearTimeouts) return now;
    // retransmits_timed_out: never before anything was sent again.
    if (retransmissions > 0 && now >= (userTimeoutMs ?? modelTimeoutMs)) return now;
    retransmissions++;
    if (retransmissions > linearTimeouts) rtoMs = Math.min(rtoMs * 2, rtoMaxMs);
    delayMs = rtoMs;
    // tcp_clamp_rto_to_user_timeout: one tick at least.
    if (userTimeoutMs !== undefined) {
      delayMs = Math.min(rtoMs, Math.max(tickMs, userTimeoutMs - now));
    }
  }
}
