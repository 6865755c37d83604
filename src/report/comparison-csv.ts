import type { Distribution } from '../core/distribution.js';
import type { ComparisonResult, RowResult } from '../core/result.js';
import { csvLines, type CsvColumns } from './csv.js';

export function comparisonCsv(result: ComparisonResult): string {
  return [...csvLines(columns, result.rows)].join('');
}

const columns: CsvColumns<RowResult> = {
  mode: (row) => row.mode,
  load: (row) => row.load,
  fault: (row) => row.fault,
  observer: (row) => row.observer,
  connections: (row) => row.connections,
  drop_engine: (row) => row.drop?.engine ?? null,
  drop_proven: (row) => row.drop?.proven ?? null,
  drop_delivered_segments: (row) => row.drop?.deliveredSegments ?? null,
  drop_cut_gap_ms: (row) => row.drop?.cutGapMs ?? null,
  predicted_kind: (row) => row.predicted.kind,
  predicted_min_ms: (row) => predictedMs(row, 'fromDropMs', 'min'),
  predicted_max_ms: (row) => predictedMs(row, 'fromDropMs', 'max'),
  predicted_from_last_activity_min_ms: (row) => predictedMs(row, 'fromLastActivityMs', 'min'),
  predicted_from_last_activity_max_ms: (row) => predictedMs(row, 'fromLastActivityMs', 'max'),
  predicted_rule: (row) => row.predicted.rule,
  waited: (row) => row.measured.waited,
  waited_ms: (row) => row.measured.waitedMs,
  noticed: (row) => row.measured.noticed,
  ...figures('measured', (row) => row.measured.fromDropMs),
  ...figures('measured_from_last_activity', (row) => row.measured.fromLastActivityMs),
  noticed_by: (row) => counts(Object.entries(row.by)),
  lingering: (row) =>
    counts(row.lingering.map((group) => [`${group.state}/${group.timer}`, group.count])),
  healthy_connections: (row) => row.healthy.connections,
  false_alarms: (row) => row.healthy.falseAlarms,
  packets_per_hour: (row) => row.packetsPerHour,
  agrees: (row) => row.agrees,
  footnotes: (row) => row.footnotes.join('; '),
};

function figures(
  prefix: string,
  of: (row: RowResult) => Distribution | null,
): CsvColumns<RowResult> {
  return {
    [`${prefix}_min_ms`]: (row) => of(row)?.min ?? null,
    [`${prefix}_median_ms`]: (row) => of(row)?.median ?? null,
    [`${prefix}_p95_ms`]: (row) => of(row)?.p95 ?? null,
    [`${prefix}_max_ms`]: (row) => of(row)?.max ?? null,
  };
}

function predictedMs(
  { predicted }: RowResult,
  from: 'fromDropMs' | 'fromLastActivityMs',
  end: 'min' | 'max',
): number | null {
  return predicted.kind === 'interval' ? predicted[from][end] : null;
}

/** `ETIMEDOUT=18; heartbeat=2`. */
function counts(entries: readonly (readonly [string, number])[]): string {
  return entries.map(([what, count]) => `${what}=${count}`).join('; ');
}
