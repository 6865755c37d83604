import { formatEndpoint } from '../core/endpoint.js';
import type { KeptReason, Reaped, ReapOutcome, ReapResult } from '../core/reap.js';
import { countWords } from './count-words.js';
import { paint, type Style } from './format.js';
import { jsonText } from './json.js';
import { columnWidths, tableLine, type TableColumn } from './layout.js';
import { printable } from './printable.js';
import { silenceWords } from './time-words.js';

export interface ReapReportOptions {
  readonly format: 'table' | 'json';
  readonly style: Style;
}

/** The whole text, ending with a newline. */
export function reportReap(result: ReapResult, { format, style }: ReapReportOptions): string {
  if (format === 'json') return `${jsonText(result, 2)}\n`;
  const lines = [
    ...tableLines(result.connections, style),
    ...keptLines(result),
    ...result.notes.map((note) => printable(`Note: ${note}`)),
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

/** Of thousands too: cli-table3 would take minutes. */
function tableLines(connections: readonly Reaped[], style: Style): readonly string[] {
  if (connections.length === 0) return [];
  const rows = connections.map(cells);
  const widths = columnWidths(COLUMNS, rows);
  const paintOutcome = (cell: string, at: number) =>
    COLUMNS[at]?.title === 'OUTCOME' && cell.startsWith(REFUSED) ? paint(style).red(cell) : cell;
  return [
    tableLine(
      COLUMNS,
      widths,
      COLUMNS.map(({ title }) => title),
    ),
    ...rows.map((row) => tableLine(COLUMNS, widths, row, paintOutcome)),
  ];
}

const REFUSED = 'refused: ';

function cells({ local, peer, process, silentMs, evidence, outcome }: Reaped): readonly string[] {
  return [
    formatEndpoint(local),
    formatEndpoint(peer),
    process === null ? '-' : `${printable(process.name)}[${process.pid}]`,
    silentMs === null ? '-' : silenceWords(silentMs),
    evidence,
    outcomeWords(outcome),
  ];
}

function outcomeWords(outcome: ReapOutcome): string {
  switch (outcome.kind) {
    case 'would-end':
      return 'would be ended';
    case 'ended':
      return 'ended';
    case 'gone':
      return 'gone by itself';
    case 'answered':
      return 'left alone: it answered meanwhile';
    case 'interrupted':
      return 'left alone: interrupted';
    case 'refused':
      return REFUSED + printable(outcome.reason);
  }
}

function keptLines({ kept }: ReapResult): readonly string[] {
  return kept.map(({ reason, connections }) => `${connections} left alone: ${KEPT_WORDS[reason]}`);
}

const KEPT_WORDS: Readonly<Record<KeptReason, string>> = {
  loopback: 'loopback',
  'own-session': 'of this very session',
  'no-cookie': 'the kernel does not tell it from its successor',
  'not-asked': 'no timer, dead or merely quiet; with --ask they are asked twice',
  'no-way-out': 'nothing can have left this host for them: their silence proves nothing',
  answered: 'asked, and answered',
  'not-dying': 'nothing is unanswered',
  'unanswered-too-briefly': 'unanswered for less than --after',
  'unanswered-unknown': 'unanswered, and for how long is not known',
};

const NOBODY_MEANT = 'No connection matches the filters.';

function closing(result: ReapResult): readonly string[] {
  const { dryRun, connections, kept, recordFile, complete } = result;
  const recorded = recordFile === null ? [] : [`The evidence is in ${printable(recordFile)}`];
  if (!complete) return ['Interrupted: that is what is known so far.', ...recorded];
  if (connections.length === 0) {
    return [kept.length === 0 ? NOBODY_MEANT : 'Nothing that was meant is proven dead.'];
  }
  const dry = `Nothing was changed: the same with --yes ends ${countWords(connections.length, 'connection')}.`;
  return dryRun ? [dry] : [...outcomeCounts(connections), ...recorded];
}

/** `498 ended, 2 gone by itself`: of thousands nobody counts the rows. */
function outcomeCounts(connections: readonly Reaped[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { outcome } of connections) {
    const words = outcome.kind === 'refused' ? 'refused' : outcomeWords(outcome);
    counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  return [[...counts].map(([words, count]) => `${count} ${words}`).join(', ')];
}
