// Preloaded into a server (`node --import`): on SIGWINCH it writes how late its loop was since the last
// one to $TCPALIVE_BENCH_LOOP/PID, in every process of a server that has several.
import { writeFileSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';

/** Each sample is a wake-up: at 2 ms they were most of an idle server's CPU time. */
const RESOLUTION_MS = 20;
const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
histogram.enable();

process.on('SIGWINCH', () => {
  const lateMs = (ns) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  const [p99, max] = [histogram.percentile(99), histogram.max].map(lateMs);
  histogram.reset();
  writeFileSync(`${process.env.TCPALIVE_BENCH_LOOP}/${process.pid}`, JSON.stringify({ p99, max }));
});
