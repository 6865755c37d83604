/**
 * The kernel's SYNs, one timer after the other, as tcp_retransmit_timer and tcp_write_timeout in
 * net/ipv4/tcp_timer.c have them. Slow and obvious on purpose, like kernel-keepalive.ts.
 */
export interface Syns {
  readonly synRetries: number;
  readonly linearTimeouts: number;
  readonly rtoMaxMs: number;
  readonly userTimeoutMs: number | undefined;
  /** What tcp_syn_retries means as a time, where there is no user timeout. */
  readonly modelTimeoutMs: number;
}

/** When connect() fails, from the first SYN. */
export function simulateConnectDeath(
  { synRetries, linearTimeouts, rtoMaxMs, userTimeoutMs, modelTimeoutMs }: Syns,
  latenessMs: (delayMs: number) => number,
): number {
  let retransmissions = 0;
  let rtoMs = 1000;
  let now = rtoMs + latenessMs(rtoMs);
  for (;;) {
    if (retransmissions >= synRetries + linearTimeouts) return now;
    if (now >= (userTimeoutMs ?? modelTimeoutMs)) return now;
    retransmissions++;
    if (retransmissions > linearTimeouts) rtoMs = Math.min(rtoMs * 2, rtoMaxMs);
    const delayMs = userTimeoutMs === undefined ? rtoMs : Math.min(rtoMs, userTimeoutMs - now);
    now += delayMs + latenessMs(delayMs);
  }
}
