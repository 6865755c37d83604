/** What a survey may be asked to look like. */
import { fateKinds } from '../core/fate.js';
import { TcpaliveError } from '../errors.js';
import type { Style } from './format.js';

export type Grouping = 'process' | 'unit' | 'peer' | 'port';

export const surveyFormats = ['table', 'markdown', 'csv', 'json', 'jsonl', 'openmetrics'] as const;

export type SurveyFormat = (typeof surveyFormats)[number];

export const groupings: readonly Grouping[] = ['process', 'unit', 'peer', 'port'];

export interface SurveyReportOptions {
  readonly format: SurveyFormat;
  readonly style: Style;
  /** To show in a table, the worst first; 0: the summary alone; Infinity: all. Data has them all. */
  readonly rows: number;
  readonly by: Grouping;
  /** Whether columns have titles; without, a table is its rows alone: `rowFields`, or `groupFields`. */
  readonly headers: boolean;
}

/** Of a connection for awk: these, in this order, whatever there is. */
export const rowFields = [
  'local',
  'peer',
  'state',
  'process',
  'unit',
  'silent',
  'timer',
  'fate',
  'asked',
  'ends',
  'namespace',
] as const;

/** Of a group: the counts by fate come last but one. */
export const groupFields = [
  'group',
  'process',
  'unit',
  'ports',
  'fds',
  'fd-limit',
  'connections',
  ...fateKinds,
  'silent',
  'namespace',
] as const;

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
