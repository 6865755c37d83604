import type { Survey } from '../core/survey.js';
import { paint, type Style } from './format.js';
import { clip, columnWidths, fillLines, plainTable, tableLine } from './layout.js';
import { fateColumns, groupColumns } from './survey-columns.js';
import { connectionFieldLines, groupFieldLines } from './survey-fields.js';
import { GROUPS_SHOWN, groupsOf } from './survey-groups.js';
import type { Grouping, SurveyScope } from './survey-options.js';
import { nextLines, waitingLines } from './survey-next.js';
import { fatePainter, paintDescriptors } from './survey-paint.js';
import {
  assumptionLines,
  closingLines,
  headerLine,
  moreLine,
  NOTHING_THERE,
  queueWarnings,
  silenceLines,
} from './survey-prose.js';
import { connectionRows } from './survey-rows.js';
import { summarise, wereAsked, type FateSummary } from './survey-summary.js';

export interface SurveyTableOptions {
  readonly style: Style;
  /** To show, the worst first; 0: the summary alone; Infinity: all. */
  readonly rows: number;
  readonly by: Grouping;
  /** False: nothing else, for awk: the fields of the rows, or of the groups. */
  readonly headers: boolean;
  readonly scope: SurveyScope;
}

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
    ...fateLines(summaries, style),
    ...filled(silenceLines(summaries)),
    ...filled(queueWarnings(survey)).map((line) => paint(style).red(line)),
    '',
    ...groupLines(survey, options),
  ]);
  if (shown.length > 0) {
    yield* connectionRows(shown, { style, withAsked: wereAsked(summaries) });
    yield ended([...moreLine(survey.connections.length - shown.length, '--all'), '']);
  }
  yield ended([
    ...filled(assumptionLines(shown)),
    ...filled(closingLines(survey)),
    ...filled(waitingLines(summaries, survey.connections)),
    // A command stays in one piece.
    ...nextLines(survey, summaries, options).flatMap((line) =>
      line.startsWith('Next') ? [line] : filled([line]),
    ),
  ]);
}

function fateLines(summaries: readonly FateSummary[], style: Style): readonly string[] {
  const present = summaries.filter(({ connections }) => connections > 0);
  if (present.length === 0) return [NOTHING_THERE];
  const painter = fatePainter(style);
  return plainTable(
    fateColumns,
    present.map((summary) =>
      fateColumns.map(({ title, cell }) =>
        title === 'FATE' ? painter(cell(summary)) : cell(summary),
      ),
    ),
  );
}

/** With --all all of them: of 50,000 peers cli-table3 would take minutes. */
function groupLines(survey: Survey, { style, by, rows }: SurveyTableOptions): readonly string[] {
  const groups = groupsOf(survey, by);
  if (groups.length === 0) return [];
  const shown = rows === Infinity ? groups : groups.slice(0, GROUPS_SHOWN);
  const columns = groupColumns(by, (text, width) => clip(text, width, style.unicode));
  const titles = columns.map(({ title }) => title);
  const cells = shown.map((group) => columns.map(({ cell }) => cell(group)));
  const widths = columnWidths(columns, cells);
  const lines = shown.map((group, row) =>
    tableLine(columns, widths, cells[row] ?? [], (cell, at) =>
      titles[at] === 'FDS' ? paintDescriptors(cell, group, style) : cell,
    ),
  );
  const more = moreLine(groups.length - shown.length, '--all');
  return [tableLine(columns, widths, titles), ...lines, ...more, ''];
}

function ended(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}
