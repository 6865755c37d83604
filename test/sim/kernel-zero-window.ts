/**
 * The kernel's window probes, one timer after the other, as tcp_probe_timer and tcp_send_probe0 in
 * net/ipv4 have them. Slow and obvious on purpose, like kernel-keepalive.ts.
 */
export interface ClosedWindow {
  readonly baseMs: number;
  readonly rtoMaxMs: number;
  readonly retries2: number;
  readonly userTimeoutMs: number | undefined;
  /** It answers every probe, with its window closed. */
  readonly peerAnswers: boolean;
  readonly tickMs: number;
}

/** When it dies, from when the timer was armed; undefined: it outlives twenty thousand probes. */
export function simulateZeroWindowDeath(
  { baseMs, rtoMaxMs, retries2, userTimeoutMs, peerAnswers, tickMs }: ClosedWindow,
  latenessMs: (delayMs: number) => number,
): number | undefined {
  let probesOut = 0;
  let backoff = 0;
  let firstProbeAt: number | undefined;
  let delayMs = Math.min(baseMs, rtoMaxMs);
  let now = 0;
  for (let timers = 0; timers < 20_000; timers++) {
    now += delayMs + latenessMs(delayMs);
    if (firstProbeAt === undefined) firstProbeAt = now;
    else if (userTimeoutMs !== undefined && now - firstProbeAt >= userTimeoutMs) return now;
    if (probesOut >= retries2) return now;
    probesOut = peerAnswers ? 0 : probesOut + 1;
    if (backoff < retries2) backoff++;
    delayMs = Math.min(baseMs * 2 ** Math.min(backoff, 10), rtoMaxMs);
    if (userTimeoutMs !== undefined) {
      delayMs = Math.max(tickMs, Math.min(delayMs, userTimeoutMs - (now - firstProbeAt)));
    }
  }
  return undefined;
}
