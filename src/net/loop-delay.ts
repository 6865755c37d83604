import { monitorEventLoopDelay } from 'node:perf_hooks';
import { roundMs } from '../core/distribution.js';
import { msBetween, type Instant } from '../core/time.js';

/** How late our own event loop was, in milliseconds: a late loop sees every verdict late. */
export interface LoopDelay {
  readonly p99: number;
  readonly max: number;
}

const RESOLUTION_MS = 5;

/** A loop delay above this could change a figure in its second decimal: the result says so. */
const DISTURBING_MS = 25;

/** What a result must mention about its own measurement; empty when nothing disturbed it. */
export function disturbance({ max }: LoopDelay): readonly string[] {
  if (max <= DISTURBING_MS) return [];
  return [
    `the observer's own event loop was up to ${Math.round(max)} ms late: ` +
      'a figure may be that much too long',
  ];
}

export interface LoopWatch {
  /** Since a look that was made at most `RECENT_MS` ago, or longer where none was made meanwhile. */
  recent(now: Instant): LoopDelay;
  /** Since the last look that began anew. */
  stop(): LoopDelay;
}

/** A peak is told by whoever looks in every minute, and not for weeks. */
const RECENT_MS = 60_000;

export function watchLoop(resolutionMs = RESOLUTION_MS): LoopWatch {
  const histogram = monitorEventLoopDelay({ resolution: resolutionMs });
  histogram.enable();
  let since: Instant | undefined;
  const read = () => {
    // Each sample is the timer's own interval and the delay on top of it.
    const late = (ns: number) => roundMs(Math.max(0, ns / 1e6 - resolutionMs));
    return { p99: late(histogram.percentile(99)), max: late(histogram.max) };
  };
  return {
    recent(now) {
      const delay = read();
      since ??= now;
      if (msBetween(since, now) >= RECENT_MS) {
        histogram.reset();
        since = now;
      }
      return delay;
    },
    stop() {
      histogram.disable();
      return read();
    },
  };
}
