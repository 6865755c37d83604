/** A played scenario as text: what happened in each mode, what lingers, what was expected. */
import type { ScenarioResult, ScenarioRow } from '../core/scenario-result.js';
import { countWords } from './count-words.js';
import { paint, type Format, type Style } from './format.js';
import { jsonText } from './json.js';
import { fillLines, plainTable, type TableColumn } from './layout.js';
import { printable } from './printable.js';
import { predictionWords, roughly } from './time-words.js';

const COLUMNS: readonly (TableColumn & { readonly cell: (row: ScenarioRow) => string })[] = [
  { title: 'MODE', align: 'left', cell: (row) => row.mode },
  { title: 'OPENED', align: 'right', cell: (row) => String(row.opened) },
  { title: 'REFUSED', align: 'right', cell: (row) => String(row.refused) },
  { title: 'NOTICED', align: 'right', cell: (row) => String(row.noticed) },
  { title: 'ESTABLISHED', align: 'right', cell: (row) => String(row.established) },
  { title: 'STALE', align: 'right', cell: (row) => String(row.stale) },
  { title: 'LIVE', align: 'right', cell: (row) => String(row.live) },
  { title: 'PEAK FDS', align: 'right', cell: descriptors },
  { title: 'LOCKED OUT', align: 'left', cell: lockedOut },
];

/** The whole text, ending with a newline. */
export function reportScenario(
  result: ScenarioResult,
  { format, style }: { readonly format: Extract<Format, 'table' | 'json'>; readonly style: Style },
): string {
  if (format === 'json') return `${jsonText(result, 2)}\n`;
  const chalk = paint(style);
  const fill = (text: string) =>
    fillLines(text.split(/\s+/).filter(Boolean).map(printable), ' ', style.width);
  const lines = [
    ...fill(result.name),
    ...fill(result.story),
    ...fill(conditions(result)),
    '',
    ...plainTable(
      COLUMNS,
      result.rows.map((row) => COLUMNS.map((column) => column.cell(row))),
    ),
    '',
    ...result.rows.flatMap(lingerLines),
    ...result.rows.flatMap((row) =>
      row.checks.map(({ text, got, pass }) => {
        const line = `${pass ? 'pass' : 'FAIL'}  ${row.mode}: ${text}  (got ${got})`;
        return pass ? line : chalk.red(line);
      }),
    ),
    ...result.notes.flatMap((note) => fill(`Note: ${note}`)),
  ];
  return `${lines.join('\n')}\n`;
}

function conditions({ complete, namespace, host, durationMs, rows }: ScenarioResult): string {
  const cuts = rows.reduce((sum, { drop }) => sum + (drop?.cuts ?? 0), 0);
  const proven = rows.reduce((sum, { drop }) => sum + (drop?.proven ?? 0), 0);
  return [
    ...(complete ? [] : ['interrupted: figures so far']),
    cuts === 0 ? 'no cut' : `${countWords(cuts, 'cut')}, ${proofWords(proven, cuts)}`,
    namespace === 'private' ? 'private namespace' : "on the host's loopback",
    `Linux ${/^\d+\.\d+/.exec(host.kernel)?.[0] ?? host.kernel}`,
    roughly(durationMs),
  ].join(', ');
}

function proofWords(proven: number, cuts: number): string {
  return proven === cuts ? 'proven' : `only ${proven} of them proven`;
}

function lingerLines(row: ScenarioRow): readonly string[] {
  return row.staleSockets.map(({ count, state, timer, retransmissions, sendQueueBytes, dies }) => {
    const queue =
      sendQueueBytes === 0 ? '' : `, ${countWords(sendQueueBytes, 'byte')} in the send queue`;
    const sent =
      retransmissions === 0 ? '' : `, ${countWords(retransmissions, 'retransmission')} so far`;
    const armed = timer === 'none' ? 'no timer armed' : `timer ${timer}`;
    const fate =
      dies.kind === 'never' ? 'stays for ever' : `gone after ${predictionWords(dies)} (predicted)`;
    return `${row.mode}: ${count} stale ${state}, ${armed}${queue}${sent}: ${fate}`;
  });
}

function descriptors({ peakDescriptors, descriptorLimit }: ScenarioRow): string {
  return descriptorLimit === null
    ? String(peakDescriptors)
    : `${peakDescriptors}/${descriptorLimit}`;
}

function lockedOut({ firstRefused, refused, opened }: ScenarioRow): string {
  if (firstRefused === null) return 'nobody';
  const everybody = refused === opened - firstRefused + 1;
  return everybody ? `everybody from #${firstRefused} on` : `${refused}, first #${firstRefused}`;
}
