import type { Survey } from '../core/survey.js';
import { TcpaliveError } from '../errors.js';
import type { Style } from './format.js';
import { surveyCsv } from './survey-csv.js';
import type { Grouping } from './survey-groups.js';
import { surveyJson, surveyJsonl } from './survey-json.js';
import { surveyMarkdown } from './survey-markdown.js';
import { surveyOpenMetrics } from './survey-openmetrics.js';
import { surveyTable } from './survey-table.js';

export type { Grouping } from './survey-groups.js';

export const surveyFormats = ['table', 'markdown', 'csv', 'json', 'jsonl', 'openmetrics'] as const;

export type SurveyFormat = (typeof surveyFormats)[number];

export const groupings: readonly Grouping[] = ['process', 'unit', 'peer', 'port'];

export interface SurveyReportOptions {
  readonly format: SurveyFormat;
  readonly style: Style;
  /** To show in a table, the worst first; 0: the summary alone; Infinity: all. Data has them all. */
  readonly rows: number;
  readonly by: Grouping;
  /** Whether columns have titles; without, a table is its rows alone. */
  readonly headers: boolean;
}

/** The whole text in pieces, the last ending with a newline. */
export function reportSurvey(
  survey: Survey,
  options: SurveyReportOptions,
): Iterable<string | Uint8Array> {
  switch (options.format) {
    case 'table':
      return surveyTable(survey, options);
    case 'markdown':
      return [surveyMarkdown(survey, options)];
    case 'csv':
      return surveyCsv(survey, options);
    case 'json':
      return surveyJson(survey);
    case 'jsonl':
      return surveyJsonl(survey);
    case 'openmetrics':
      return [surveyOpenMetrics(survey)];
  }
}

/** @throws TcpaliveError BAD_USAGE naming the value and what is accepted. */
export function parseSurveyFormat(text: string): SurveyFormat {
  return oneOf(surveyFormats, text, 'a format');
}

/** @throws TcpaliveError BAD_USAGE naming the value and what is accepted. */
export function parseGrouping(text: string): Grouping {
  return oneOf(groupings, text, 'what connections are grouped by');
}

function oneOf<Known extends string>(known: readonly Known[], text: string, what: string): Known {
  const found = known.find((each) => each === text);
  if (found !== undefined) return found;
  throw new TcpaliveError('BAD_USAGE', `'${text}' is not ${what}: ${known.join(', ')}`);
}
