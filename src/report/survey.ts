import type { Survey } from '../core/survey.js';
import { surveyCsv } from './survey-csv.js';
import { surveyJson, surveyJsonl } from './survey-json.js';
import { surveyMarkdown } from './survey-markdown.js';
import { surveyOpenMetrics } from './survey-openmetrics.js';
import { surveyTable } from './survey-table.js';
import type { SurveyReportOptions } from './survey-options.js';

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
