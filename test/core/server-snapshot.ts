import type { ServerSnapshot } from '../../src/core/serve-status.js';

/** Of a process that is well, but for what is said otherwise. */
export function snapshot(otherwise: Partial<ServerSnapshot> = {}): ServerSnapshot {
  return {
    pid: 1,
    uptimeMs: 60_000,
    mode: 'heartbeat=1s:3s',
    connections: { active: 4, silent: 3, unread: 2, closing: 1 },
    maxConnections: 20,
    evict: false,
    longestSilenceMs: 2500,
    unsentBytes: 4096,
    residentBytes: 50_000_000,
    counts: {
      accepted: 30,
      rejected: { connections: 1, address: 2, mode: 0 },
      endedBy: { FIN: 10, heartbeat: 10 },
      frames: 500,
      beats: 400,
      skippedBytes: 12,
      unanswered: 1,
    },
    descriptors: { open: 40, limit: 256 },
    loopDelayMs: { p99: 1.5, max: 4 },
    accept: { kind: 'works', reason: null, failures: 1 },
    ...otherwise,
  };
}
