import { monitorEventLoopDelay } from 'node:perf_hooks';
import { roundMs } from '../core/distribution.js';

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

export function watchLoop(): { stop(): LoopDelay } {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return {
    stop() {
      histogram.disable();
      // Each sample is the timer's own interval and the delay on top of it.
      const late = (ns: number) => roundMs(Math.max(0, ns / 1e6 - RESOLUTION_MS));
      return { p99: late(histogram.percentile(99)), max: late(histogram.max) };
    },
  };
}
