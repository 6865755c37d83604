/** The default comparison as the design pictures it, without a kernel. */
import type { ComparisonResult, RowResult } from '../../src/core/result.js';
import { sysctlDefaults } from '../../src/core/sysctl.js';
import type { Style } from '../../src/report/format.js';

export const plainStyle: Style = { color: false, unicode: false, width: 100 };

export const interval = (min: number, max: number): RowResult['predicted'] => ({
  kind: 'interval',
  fromDropMs: { min, max },
  fromLastActivityMs: { min, max },
  rule: 'a rule',
});

export const never: RowResult['predicted'] = {
  kind: 'never',
  rule: 'nothing is in flight and no timer is armed',
};

/** A row that lingers for ever, until told otherwise. */
export function rowOf(changes: Partial<RowResult> = {}): RowResult {
  return {
    mode: 'none',
    load: 'idle',
    fault: 'blackhole',
    observer: 'server',
    connections: 20,
    drop: { engine: 'socket-filter', proven: true, deliveredSegments: 0, cutGapMs: 0.3 },
    predicted: never,
    measured: {
      waited: true,
      waitedMs: 15_000,
      noticed: 0,
      fromDropMs: null,
      fromLastActivityMs: null,
    },
    by: {},
    lingering: [],
    healthy: { connections: 20, falseAlarms: 0 },
    packetsPerHour: 3600,
    descriptors: null,
    alarms: null,
    agrees: true,
    footnotes: [],
    ...changes,
  };
}

/** All 20 noticed between `min` and `max`, with the median in the middle. */
export function noticedRow(
  mode: string,
  by: string,
  [min, max]: readonly [number, number],
  changes: Partial<RowResult> = {},
): RowResult {
  const median = (min + max) / 2;
  const fromDropMs = { min, median, p95: max, max, samples: [min, median, max] };
  const fromLastActivityMs = { ...fromDropMs, min: max };
  return rowOf({
    mode,
    by: { [by]: 20 },
    predicted: interval(min - 10, max + 10),
    measured: { waited: true, waitedMs: 5000, noticed: 20, fromDropMs, fromLastActivityMs },
    ...changes,
  });
}

export function notWaitedRow(mode: string, predicted: RowResult['predicted']): RowResult {
  return rowOf({
    mode,
    predicted,
    drop: null,
    measured: {
      waited: false,
      waitedMs: 0,
      noticed: 0,
      fromDropMs: null,
      fromLastActivityMs: null,
    },
    healthy: { connections: 0, falseAlarms: 0 },
    packetsPerHour: null,
    agrees: null,
  });
}

const beyondTheLimit = interval(925_000, 947_700);

export const defaultRows: readonly RowResult[] = [
  rowOf(),
  rowOf({ load: 'write', predicted: beyondTheLimit }),
  noticedRow('keepalive=1s:1s:3', 'ETIMEDOUT', [3010, 4118]),
  rowOf({ mode: 'keepalive=1s:1s:3', load: 'write', predicted: beyondTheLimit }),
  rowOf({ mode: 'user-timeout=3s' }),
  noticedRow('user-timeout=3s', 'ETIMEDOUT', [3414, 3502], { load: 'write' }),
  noticedRow('keepalive=1s:1s:3+user-timeout=3s', 'ETIMEDOUT', [3414, 3502], { load: 'write' }),
  noticedRow('heartbeat=1s:3s', 'heartbeat', [2010, 2990]),
  noticedRow('heartbeat=1s:3s', 'heartbeat', [2010, 2990], { load: 'write' }),
  noticedRow('idle-timeout=3s', 'idle-timeout', [2010, 2990], {
    healthy: { connections: 20, falseAlarms: 20 },
  }),
  notWaitedRow('keepalive=system', interval(7_875_000, 7_978_000)),
];

export function resultOf(
  rows: readonly RowResult[] = defaultRows,
  changes: Partial<ComparisonResult> = {},
): ComparisonResult {
  return {
    schema: 'tcpalive/compare/1',
    complete: true,
    startedAt: '2026-11-20T14:02:07.123Z',
    durationMs: 12_345,
    host: {
      kernel: '6.18.44',
      node: '20.20.2',
      hz: 250,
      congestionControl: 'bbr',
      sysctl: sysctlDefaults,
    },
    capabilities: {
      socketFilter: true,
      minTtl: true,
      namespace: true,
      tcpInfo: true,
      keepaliveTuning: true,
      userTimeout: true,
      rtoMax: true,
      sockDiag: true,
      sockDestroy: false,
      pidfd: true,
    },
    namespace: 'private',
    limitMs: 15_000,
    loopDelayMs: { p99: 1.2, max: 4 },
    notes: [],
    rows,
    ...changes,
  };
}
