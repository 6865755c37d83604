/**
 * A half-open connection at a server, one timer after the other, as reqsk_timer_handler and
 * tcp_check_req in net/ipv4 have it. Slow and obvious on purpose, like kernel-keepalive.ts.
 */
import type { Armed } from './armed.js';

export interface HalfOpen {
  readonly synackRetries: number;
  /** After that part of each of the first pauses the client's SYN comes again; undefined: it does not. */
  readonly synsAfter: readonly (number | undefined)[];
}

/** When it is dropped, from the first SYN. @param onArmed at every timer that is armed */
export function simulateSynReceivedDeath(
  { synackRetries, synsAfter }: HalfOpen,
  latenessMs: (delayMs: number) => number,
  onArmed: (armed: Armed) => void,
): number {
  let numTimeout = 0;
  let numRetrans = 0;
  let now = 0;
  for (let armings = 0; ; armings++) {
    const delayMs = Math.min(1000 * 2 ** numTimeout, 120_000);
    const lateMs = latenessMs(delayMs);
    onArmed({ at: now, delayMs, lateMs, retransmissions: numRetrans, backoff: 0, probesOut: 0 });
    const synAfter = synsAfter[armings];
    if (synAfter !== undefined) {
      // Its SYN-ACK is sent again and the same pause begins anew.
      now += synAfter * delayMs;
      numRetrans++;
      continue;
    }
    now += delayMs + lateMs;
    if (numTimeout >= synackRetries) return now;
    numTimeout++;
    numRetrans++;
  }
}
