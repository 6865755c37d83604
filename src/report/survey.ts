import type { Survey } from '../core/survey.js';
import { countWords } from './count-words.js';
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
  const wanted = worst(survey, options.rows);
  switch (options.format) {
    case 'table':
      return surveyTable(survey, options);
    case 'markdown':
      return [surveyMarkdown(survey, options)];
    case 'csv':
      return surveyCsv(wanted, options);
    case 'json':
      return surveyJson(wanted);
    case 'jsonl':
      return surveyJsonl(wanted);
    case 'openmetrics':
      return [surveyOpenMetrics(survey)];
  }
}

/** So many of its connections, and a note of how many there are; 0: all of them, for data has no summary. */
function worst(survey: Survey, rows: number): Survey {
  const { connections, notes } = survey;
  if (rows === 0 || rows >= connections.length) return survey;
  const note = `the worst ${rows} of ${countWords(connections.length, 'connection')}`;
  return { ...survey, notes: [...notes, note], connections: connections.slice(0, rows) };
}
