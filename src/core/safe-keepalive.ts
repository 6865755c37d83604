/**
 * The largest keepalive that keeps a path open whose state outlives a silence of `livedMs`: the first
 * probe leaves in time, as late as the kernel's timer may be, and still the second one should the
 * first be lost.
 */
import type { SafeKeepalive } from './idle-limit-result.js';
import { sleepSpan, sleepsSpan, type Hz } from './timer-wheel.js';

/** MAX_TCP_KEEPIDLE, include/net/tcp.h. */
const LARGEST_IDLE_SECONDS = 32_767;

/** As in the mode `keepalive` without values. */
const COUNT = 6;
const LONGEST_INTERVAL_SECONDS = 10;

/** Of the time that there is, for the one probe that may be lost. */
const INTERVAL_SHARE = 0.1;

/** Undefined: no whole second is short enough. */
export function safeKeepalive(livedMs: number, hz: Hz): SafeKeepalive | undefined {
  const share = Math.floor((livedMs * INTERVAL_SHARE) / 1000);
  const intervalSeconds = Math.min(LONGEST_INTERVAL_SECONDS, Math.max(1, share));
  const longest = Math.min(LARGEST_IDLE_SECONDS, Math.floor(livedMs / 1000));
  for (let idleSeconds = longest; idleSeconds >= 1; idleSeconds--) {
    const idleMs = idleSeconds * 1000;
    const secondProbeMs = sleepsSpan([idleMs, intervalSeconds * 1000], hz).max;
    if (secondProbeMs <= livedMs) {
      const firstProbeMs = sleepSpan(idleMs, hz).max;
      return { idleSeconds, intervalSeconds, count: COUNT, firstProbeMs, secondProbeMs };
    }
  }
  return undefined;
}
