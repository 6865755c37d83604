/** The model's table, and for each row why, when and how much it tolerates. */
import type { Forecast, ForecastRow } from '../core/forecast.js';
import type { Span } from '../core/timer-wheel.js';
import { faultPhrase } from './fault-phrase.js';
import { jsonText } from './json.js';
import { fillLines, plainTable, type TableColumn } from './layout.js';
import { changedSysctls } from '../core/sysctl.js';
import { printable } from './printable.js';
import { latencyWords, predictionWords, spanWords } from './time-words.js';

export interface ForecastReportOptions {
  readonly format: 'table' | 'json';
  readonly explain: boolean;
  readonly width: number;
}

export function reportForecast(forecast: Forecast, options: ForecastReportOptions): string {
  if (options.format === 'json') return `${jsonText(forecast, 2)}\n`;
  const lines = [
    ...headerLines(forecast, options.width),
    ...table(forecast.rows),
    ...(options.explain ? forecast.rows.flatMap((row) => explanation(row, options.width)) : []),
    'Predicted, not measured: times from the drop, at any phase. TOLERATES: the longest outage without alarm.',
  ];
  return `${lines.join('\n')}\n`;
}

/** More than these are told by their first and last. */
const MOST_MOMENTS = 8;

function headerLines({ host, rows }: Forecast, width: number): readonly string[] {
  const faults = [...new Set(rows.map(({ fault }) => fault))];
  const hz = host.hz === null ? 'HZ unknown' : `HZ=${host.hz}`;
  const changed = [...changedSysctls(host.sysctl), ...faults.map(faultPhrase)];
  return fillLines(
    ['predicted only', `kernel ${printable(host.kernel)}`, hz, ...changed],
    ', ',
    width,
  );
}

function table(rows: readonly ForecastRow[]): readonly string[] {
  const faultsDiffer = new Set(rows.map(({ fault }) => fault)).size > 1;
  const columns: readonly TableColumn[] = [
    { title: 'MODE', align: 'left' },
    { title: 'LOAD', align: 'left' },
    ...(faultsDiffer ? [{ title: 'FAULT', align: 'left' } as const] : []),
    { title: 'PREDICTED', align: 'left' },
    { title: 'TOLERATES', align: 'right' },
    { title: 'PACKETS/H', align: 'right' },
  ];
  const cells = rows.map((row) => [
    row.mode,
    row.load,
    ...(faultsDiffer ? [row.fault] : []),
    predictionWords(row.predicted),
    toleratedWords(row),
    `${row.packetsPerHour}`,
  ]);
  return plainTable(columns, cells);
}

function explanation(row: ForecastRow, width: number): readonly string[] {
  const { predicted, schedule } = row;
  const activity =
    predicted.kind === 'interval' && schedule !== null
      ? [`from ${schedule.since}: ${spanWords(predicted.fromLastActivityMs)}`]
      : [];
  const facts = [
    ['rule', predicted.rule],
    ...activity.map((text) => ['verdict', text]),
    ...(schedule === null ? [] : [['schedule', scheduleWords(schedule)]]),
    ['tolerates', toleratedSentence(row)],
  ];
  return [
    '',
    `${row.mode}, ${row.load}, ${row.fault}`,
    ...facts.flatMap(([name = '', text = '']) =>
      fillLines(text.split(' '), ' ', width - INDENT).map(
        (line, at) => `  ${(at === 0 ? name : '').padEnd(INDENT - 2)}${line}`,
      ),
    ),
  ];
}

const INDENT = 13;

function scheduleWords({ what, since, sent, death }: NonNullable<ForecastRow['schedule']>): string {
  const end = `given up at ${spanWords(death)} after ${since}`;
  if (what === 'nothing' || sent.length === 0) return end;
  const moments = sent.map(momentWords);
  const told =
    moments.length <= MOST_MOMENTS
      ? moments
      : [...moments.slice(0, MOST_MOMENTS - 2), '...', moments.at(-1) ?? ''];
  return `${what} at ${told.join(', ')}; ${end}`;
}

/** Lateness is told once, at the end: here the nominal moment says enough. */
function momentWords({ min }: Span): string {
  return latencyWords(min);
}

function toleratedWords({ toleratedOutage: outage }: ForecastRow): string {
  return outage.kind === 'any' ? 'any outage' : latencyWords(outage.ms);
}

function toleratedSentence({ toleratedOutage: outage }: ForecastRow): string {
  if (outage.kind === 'any') return 'an outage of any length';
  return `an outage of ${latencyWords(outage.ms)} at any phase without an alarm`;
}
