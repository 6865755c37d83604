import type { Survey } from '../core/survey.js';
import { clip } from './layout.js';
import { escapeMarkdown, markdownTable } from './markdown.js';
import {
  connectionColumns,
  fateColumns,
  groupColumns,
  namespaceNamer,
  withoutEmptyUnit,
  type SurveyColumn,
} from './survey-columns.js';
import { GROUPS_SHOWN, groupsOf } from './survey-groups.js';
import type { SurveyReportOptions } from './survey-options.js';
import {
  assumptionLines,
  closingLines,
  headerLine,
  moreLine,
  nothingThere,
  queueWarnings,
  silenceLines,
} from './survey-prose.js';
import { summarise, wereAsked } from './survey-summary.js';

export type SurveyMarkdownOptions = Pick<SurveyReportOptions, 'rows' | 'by' | 'scope'>;

/** Tables of fates, of groups and, where asked for, of connections, with the sentences as paragraphs. */
export function surveyMarkdown(survey: Survey, { rows, by, scope }: SurveyMarkdownOptions): string {
  const summaries = summarise(survey.connections);
  const present = summaries.filter(({ connections }) => connections > 0);
  const groups = groupsOf(survey, by);
  const shownGroups = rows === Infinity ? groups : groups.slice(0, GROUPS_SHOWN);
  const shown = survey.connections.slice(0, rows);
  const options = {
    clip: (text: string, width: number) => clip(text, width, true),
    withAsked: wereAsked(summaries),
    namespaceName: namespaceNamer(survey),
  };
  const rowColumns = connectionColumns(options).filter(
    ({ title }) => !['PORT', 'ENDS-BY', 'IDLE/BUSY'].includes(title),
  );
  const sentences = (lines: readonly string[]) => lines.map(escapeMarkdown);
  const paragraphs = [
    ...sentences([headerLine(survey)]),
    ...(present.length === 0 ? sentences([nothingThere(scope)]) : [table(fateColumns, present)]),
    ...sentences([...silenceLines(summaries), ...queueWarnings(survey)]),
    table(withoutEmptyUnit(groupColumns(by, options), shownGroups), shownGroups),
    ...moreLine(groups.length - shownGroups.length, '--all'),
    table(rowColumns, shown),
    ...sentences([...assumptionLines(shown), ...closingLines(survey)]),
  ];
  return `${paragraphs.filter((paragraph) => paragraph !== '').join('\n\n')}\n`;
}

function table<Row>(columns: readonly SurveyColumn<Row>[], rows: readonly Row[]): string {
  if (rows.length === 0) return '';
  return markdownTable(
    columns,
    rows.map((row) => columns.map(({ cell }) => cell(row))),
  );
}
