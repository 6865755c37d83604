/**
 * A survey as data: the value itself, with a line for whatever there are many of, so that grep works.
 * In ASCII, and as bytes: encoding 30 MB of text would take longer than writing it out.
 */
import type { Survey } from '../core/survey.js';
import { SurveyLines, type LineFormat } from './survey-lines.js';

/** One JSON text. */
export function surveyJson(survey: Survey): Iterable<Uint8Array> {
  return written(survey, 'json');
}

/** One JSON text a line, each with its `kind`: the survey without its lists, then what they hold. */
export function surveyJsonl(survey: Survey): Iterable<Uint8Array> {
  return written(survey, 'jsonl');
}

function written({ connections, ...facts }: Survey, format: LineFormat): Iterable<Uint8Array> {
  const lines = new SurveyLines(format);
  for (const connection of connections) lines.add(connection);
  return lines.asAdded(facts);
}
