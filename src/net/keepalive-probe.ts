/**
 * One keepalive probe on a connection of ours, at once: a question that no program hears, only the
 * kernel at the other end, which acknowledges what it still knows and answers RST to what it does not.
 *
 * The one that is asked does not take it for life: it is outside the window, and its answer goes out
 * before any clock is set anew (tcp_validate_incoming, net/ipv4/tcp_input.c).
 */
import { isGranted, type Kernel } from '../kernel/kernel.js';

/** A socket must have heard nothing for that long, or the probe waits until it has. */
export const SILENT_BEFORE_PROBE_MS = 1000;

/** One probe, then none for nine hours, and no verdict: the most that the options take. */
const ONE_PROBE = { idleSeconds: 1, intervalSeconds: 32_767, count: 127 };

/**
 * The idle time is set last, which makes the timer fire at once.
 * @returns whether it was taken: a connection that has just ended takes no options
 */
export function sendKeepaliveProbe(kernel: Kernel, fd: number): boolean {
  return isGranted(() => kernel.setKeepalive(fd, ONE_PROBE));
}

/** @returns whether it was taken, as above */
export function stopKeepalive(kernel: Kernel, fd: number): boolean {
  return isGranted(() => {
    kernel.setOptionValues(fd, { ...kernel.optionValues(fd), keepalive: false });
  });
}
