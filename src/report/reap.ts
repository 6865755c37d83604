import { formatEndpoint } from '../core/endpoint.js';
import type { Reaped, ReapOutcome, ReapResult } from '../core/reap.js';
import { paint, type Style } from './format.js';
import { jsonText } from './json.js';
import { plainTable, type TableColumn } from './layout.js';
import { printable } from './printable.js';
import { latencyWords } from './time-words.js';

export interface ReapReportOptions {
  readonly format: 'table' | 'json';
  readonly style: Style;
}

/** The whole text, ending with a newline. */
export function reportReap(result: ReapResult, { format, style }: ReapReportOptions): string {
  if (format === 'json') return `${jsonText(result, 2)}\n`;
  const lines = [
    ...(result.connections.length === 0
      ? ['nothing that was meant is proven dead']
      : plainTable(
          COLUMNS,
          result.connections.map((each) => cells(each, style)),
        )),
    ...keptLines(result),
    ...result.notes.map(printable),
    ...closing(result),
  ];
  return `${lines.join('\n')}\n`;
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'LOCAL', align: 'left' },
  { title: 'PEER', align: 'left' },
  { title: 'PROCESS', align: 'left' },
  { title: 'SILENT', align: 'right' },
  { title: 'EVIDENCE', align: 'left' },
  { title: 'OUTCOME', align: 'left' },
];

function cells(
  { local, peer, process, silentMs, evidence, outcome }: Reaped,
  style: Style,
): readonly string[] {
  return [
    formatEndpoint(local),
    formatEndpoint(peer),
    process === null ? '-' : `${printable(process.name)}[${process.pid}]`,
    silentMs === null ? '-' : latencyWords(silentMs),
    evidence,
    outcomeWords(outcome, style),
  ];
}

function outcomeWords(outcome: ReapOutcome, style: Style): string {
  switch (outcome.kind) {
    case 'would-close':
      return 'would be ended';
    case 'closed':
      return 'ended';
    case 'gone':
      return 'gone by itself';
    case 'answered':
      return 'left alone: it answered meanwhile';
    case 'refused':
      return paint(style).red(`refused: ${printable(outcome.reason)}`);
  }
}

function keptLines({ kept }: ReapResult): readonly string[] {
  return Object.entries(kept).map(([reason, count]) => `${count} left alone: ${reason}`);
}

function closing({ dryRun, connections, recordFile, complete }: ReapResult): readonly string[] {
  const interrupted = complete ? [] : ['interrupted: not all were come to'];
  if (connections.length === 0) return interrupted;
  if (dryRun) return [...interrupted, 'Nothing was changed: the same with --yes ends them.'];
  const recorded = recordFile === null ? [] : [`The evidence is in ${printable(recordFile)}`];
  return [...interrupted, ...recorded];
}
