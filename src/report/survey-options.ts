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
  /** To show, the worst first; 0: of a table the summary alone, of data all; Infinity: all. */
  readonly rows: number;
  readonly by: Grouping;
  /** Whether columns have titles; without, a table is its rows alone: `rowFields`, or `groupFields`. */
  readonly headers: boolean;
  readonly scope: SurveyScope;
  /** Whether a table ends with what to do next; default: yes. */
  readonly next?: boolean;
}

/** What narrowed the survey, as it is typed: a command that follows must not mean more. */
export interface SurveyScope {
  /** That `ls` and `reap` share, quoted for a shell; empty: all was meant. */
  readonly filters: readonly string[];
  /** `--fate dying`, apart: a command that follows has its own; empty: whatever fate. */
  readonly fates: readonly string[];
  /** `--netns all`; empty: our own. */
  readonly netns: readonly string[];
  /** The process or unit that was named, as `protect` takes it. */
  readonly target: string | undefined;
  /** Whoever could be asked has just been. */
  readonly asked: boolean;
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
