/** What a comparison shows of each row, shared by the table and Markdown. */
import type { Distribution } from '../core/distribution.js';
import type { RowResult } from '../core/result.js';
import type { TableColumn } from './layout.js';
import { printable } from './printable.js';
import { latencyRange, latencyWords, predictionWords } from './time-words.js';

export interface ComparisonColumn extends TableColumn {
  readonly cell: (row: RowResult) => string;
}

/** Comes last, where there is room for it: its words are `remark`'s. */
export const REMARK: TableColumn = { title: 'OTHERWISE', align: 'left' };

export function comparisonColumns(
  rows: readonly RowResult[],
  footnoteNumbers: ReadonlyMap<string, number>,
  wide: boolean,
): readonly ComparisonColumn[] {
  const faultsDiffer = new Set(rows.map((row) => row.fault)).size > 1;
  const fault = left('FAULT', (row) => row.fault);
  const by = left('BY', (row) => printable(causes(row)));
  const p95 = right('P95', (row) => latency(row.measured.fromDropMs?.p95));
  const sinceActivity = right('FROM-LAST-ACTIVITY', (row) =>
    medianToWorst(row.measured.fromLastActivityMs),
  );
  const cost = right('COST', (row) =>
    row.packetsPerHour === null ? '-' : `${Math.round(row.packetsPerHour)}/h`,
  );
  return [
    left('MODE', (row) => modeCell(row, footnoteNumbers)),
    left('LOAD', (row) => row.load),
    ...(wide || faultsDiffer ? [fault] : []),
    right('NOTICED', ({ measured, connections }) =>
      measured.waited ? `${measured.noticed}/${connections}` : '-',
    ),
    ...(wide ? [by] : []),
    left('PREDICTED', predictedCell),
    right('MEDIAN', (row) => latency(row.measured.fromDropMs?.median)),
    ...(wide ? [p95] : []),
    right('WORST', (row) => latency(row.measured.fromDropMs?.max)),
    ...(wide ? [sinceActivity] : []),
    right('FALSE', ({ healthy }) =>
      healthy.connections === 0 ? '-' : `${healthy.falseAlarms}/${healthy.connections}`,
    ),
    ...(wide ? [cost] : []),
  ];
}

/** Footnotes stand here and not beside the remark: this column has room in most rows. */
function modeCell(row: RowResult, footnoteNumbers: ReadonlyMap<string, number>): string {
  const whose = row.mode === 'keepalive=system' && !row.measured.waited ? 'this host: ' : '';
  const marks = row.footnotes.map((footnote) => ` [${footnoteNumbers.get(footnote) ?? '?'}]`);
  return printable(whose + row.mode + marks.join(''));
}

/** Where it is the phase that decides: the share of phases. */
function predictedCell({ predicted, alarms }: RowResult): string {
  const share = alarms?.predicted ?? null;
  if (predicted.kind !== 'unknown' || share === null) return predictionWords(predicted);
  const [min, max] = [Math.floor(share.min * 100), Math.ceil(share.max * 100)];
  return `alarms ${min}-${max}%`;
}

function causes({ by }: RowResult): string {
  const counted = Object.entries(by);
  if (counted.length === 0) return '-';
  if (counted.length === 1) return counted.map(([cause]) => cause).join('');
  return counted.map(([cause, count]) => `${cause} ${count}`).join(', ');
}

function latency(ms: number | undefined): string {
  return ms === undefined ? '-' : latencyWords(ms);
}

function medianToWorst(figures: Distribution | null): string {
  if (figures === null) return '-';
  return latencyRange(figures.median, figures.max);
}

function left(title: string, cell: ComparisonColumn['cell']): ComparisonColumn {
  return { title, align: 'left', cell };
}

function right(title: string, cell: ComparisonColumn['cell']): ComparisonColumn {
  return { title, align: 'right', cell };
}
