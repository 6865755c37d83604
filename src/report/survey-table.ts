import type { Survey } from '../core/survey.js';
import { paint, type Style } from './format.js';
import { clip, columnsWidth, columnWidths, fillLines, tableLine } from './layout.js';
import {
  fateColumns,
  groupColumns,
  namespaceNamer,
  narrow,
  withoutEmptyUnit,
  type SurveyColumn,
} from './survey-columns.js';
import { connectionFieldLines, groupFieldLines } from './survey-fields.js';
import { GROUPS_SHOWN, groupsOf } from './survey-groups.js';
import type { SurveyReportOptions } from './survey-options.js';
import { nextLines, waitingLines } from './survey-next.js';
import { fatePainter, paintDescriptors } from './survey-paint.js';
import {
  assumptionLines,
  closingLines,
  headerLine,
  moreLine,
  nothingThere,
  queueWarnings,
  silenceLines,
} from './survey-prose.js';
import { connectionRows } from './survey-rows.js';
import { summarise, wereAsked, type FateSummary } from './survey-summary.js';

export type SurveyTableOptions = Omit<SurveyReportOptions, 'format'>;

/** Borderless and greppable: a row is never wrapped. */
export function* surveyTable(survey: Survey, options: SurveyTableOptions): Iterable<string> {
  const { style, headers } = options;
  const shown = survey.connections.slice(0, options.rows);
  const summaries = summarise(survey.connections);
  if (!headers) {
    yield* options.rows === 0
      ? groupFieldLines(survey, options.by)
      : connectionFieldLines(survey, shown, style);
    return;
  }
  const filled = (lines: readonly string[]) =>
    lines.flatMap((line) => fillLines(line.split(' '), ' ', style.width));
  yield ended([
    ...filled([headerLine(survey)]),
    '',
    ...(survey.connections.length === 0
      ? filled([nothingThere(options.scope)])
      : fateLines(summaries, style)),
    ...filled(silenceLines(summaries)),
    ...filled(queueWarnings(survey)).map((line) => paint(style).red(line)),
    '',
    ...groupLines(survey, options),
  ]);
  if (shown.length > 0) {
    yield* connectionRows(shown, {
      style,
      withAsked: wereAsked(summaries),
      namespaceName: namespaceNamer(survey),
    });
    yield ended([...moreLine(survey.connections.length - shown.length, '--all'), '']);
  }
  yield ended([
    ...filled(assumptionLines(shown)),
    ...filled(closingLines(survey)),
    ...filled(waitingLines(summaries, survey.connections)),
    ...(options.next === false ? [] : followingLines(survey, options)),
  ]);
}

/** What to do next: a command stays in one piece. */
export function followingLines(
  survey: Survey,
  { style, ...options }: Pick<SurveyTableOptions, 'style' | 'scope' | 'rows'>,
): readonly string[] {
  return nextLines(survey, summarise(survey.connections), options).flatMap((line) =>
    line.startsWith('Next') ? [line] : fillLines(line.split(' '), ' ', style.width),
  );
}

function fateLines(summaries: readonly FateSummary[], style: Style): readonly string[] {
  const present = summaries.filter(({ connections }) => connections > 0);
  const painter = fatePainter(style);
  const candidates = [fateColumns, narrow(fateColumns)];
  return fittingTable(candidates, present, style.width, (cell, title) =>
    title === 'FATE' ? painter(cell) : cell,
  );
}

/** With --all all of them. */
function groupLines(survey: Survey, { style, by, rows }: SurveyTableOptions): readonly string[] {
  const groups = groupsOf(survey, by);
  if (groups.length === 0) return [];
  const shown = rows === Infinity ? groups : groups.slice(0, GROUPS_SHOWN);
  const clipped = (text: string, width: number) => clip(text, width, style.unicode);
  const namespaceName = namespaceNamer(survey);
  const columns = groupColumns(by, { clip: clipped, namespaceName });
  const wide = withoutEmptyUnit(columns, shown);
  const without = (...titles: readonly string[]) =>
    narrow(wide).filter(({ title }, at) => at === 0 || !titles.includes(title));
  const candidates = [wide, without(), without('UNIT'), without('UNIT', 'PORTS')];
  const lines = fittingTable(candidates, shown, style.width, (cell, title, group) =>
    title === 'FDS' ? paintDescriptors(cell, group, style) : cell,
  );
  return [...lines, ...moreLine(groups.length - shown.length, '--all'), ''];
}

/** With the first of the candidates that fits; of 50,000 peers cli-table3 would take minutes. */
function fittingTable<Row>(
  candidates: readonly (readonly SurveyColumn<Row>[])[],
  rows: readonly Row[],
  width: number,
  paintCell: (cell: string, title: string, row: Row) => string,
): readonly string[] {
  const layOut = (columns: readonly SurveyColumn<Row>[]) => {
    const cells = rows.map((row) => columns.map(({ cell }) => cell(row)));
    return { columns, cells, widths: columnWidths(columns, cells) };
  };
  let layout = layOut([]);
  for (const columns of candidates) {
    layout = layOut(columns);
    if (columnsWidth(layout.widths) <= width) break;
  }
  const { columns, cells, widths } = layout;
  const titles = columns.map(({ title }) => title);
  return [
    tableLine(columns, widths, titles),
    ...rows.map((row, at) =>
      tableLine(columns, widths, cells[at] ?? [], (cell, column) =>
        paintCell(cell, titles[column] ?? '', row),
      ),
    ),
  ];
}

function ended(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
