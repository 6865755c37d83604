import { instantAt, type Instant } from '../core/time.js';

/** CLOCK_MONOTONIC: comparable between processes of one host, and stands still in suspend. */
export function monotonicNow(): Instant {
  return instantAt(Number(process.hrtime.bigint() / 1000n) / 1000);
}
