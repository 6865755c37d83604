/** What one process of a server knows of itself, whenever it is asked. */
import { formatMode, type Mode } from '../core/mode.js';
import type { ServerCounts } from '../core/server-counts.js';
import type { AcceptHealth, ConnectionStates, ServerSnapshot } from '../core/serve-status.js';
import { msBetween, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import { residentBytes } from '../kernel/resident-bytes.js';
import { watchLoop } from './loop-delay.js';

/** What is asked of a server. */
export interface Watched {
  readonly counts: ServerCounts;
  readonly accept: AcceptHealth;
  survey(now: Instant): SessionSurvey;
}

/** Of all connections at one moment. */
export interface SessionSurvey {
  readonly states: ConnectionStates;
  /** Null: none is open. */
  readonly longestSilenceMs: number | null;
  readonly unsentBytes: number;
}

export interface WatchOptions {
  readonly mode: Mode;
  readonly maxConnections: number;
  readonly evict?: boolean | undefined;
}

export interface SelfWatch {
  snapshot(): ServerSnapshot;
  close(): void;
}

/** Of hundreds of wake-ups a second nothing is learnt that fifty do not tell. */
const LOOP_RESOLUTION_MS = 20;

export function watchSelf(kernel: Kernel, server: Watched, options: WatchOptions): SelfWatch {
  const startedAt = monotonicNow();
  const loop = watchLoop(LOOP_RESOLUTION_MS);
  const { mode, maxConnections, evict = false } = options;
  return {
    snapshot() {
      const now = monotonicNow();
      const { states, longestSilenceMs, unsentBytes } = server.survey(now);
      return {
        pid: process.pid,
        uptimeMs: Math.round(msBetween(startedAt, now)),
        mode: formatMode(mode),
        connections: states,
        maxConnections: Number.isFinite(maxConnections) ? maxConnections : null,
        evict,
        longestSilenceMs: longestSilenceMs === null ? null : Math.round(longestSilenceMs),
        unsentBytes,
        residentBytes: residentBytes(),
        counts: structuredClone(server.counts),
        descriptors: {
          open: kernel.openDescriptors(process.pid) ?? null,
          limit: kernel.descriptorLimit() ?? null,
        },
        loopDelayMs: loop.recent(now),
        accept: server.accept,
      };
    },
    close() {
      loop.stop();
    },
  };
}
