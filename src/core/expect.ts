/**
 * `--expect` of a comparison: `[WORDS] FIGURE OP VALUE`, one line each, for CI and change reviews.
 *
 *     heartbeat worst<3.2s · keepalive=1s:1s:3 idle noticed=20 · write noticed=0 · false=0
 */
import { TcpaliveError } from '../errors.js';
import { holds, parseCount, parseWritten, type Checked, type Comparison } from './comparator.js';
import { faultGrammar, faultKind, faultWords, loadWords, parseFault } from './condition.js';
import { parseDuration } from './duration.js';
import { formatMode, parseMode } from './mode.js';
import type { RowResult } from './result.js';

export interface Expectation extends Comparison {
  /** As it was written, with single spaces. */
  readonly text: string;
  /** Every word must be the row's load, its fault, its whole mode, or the name of a part of it. */
  readonly words: readonly string[];
  readonly figure: Figure;
  /** A count, or milliseconds from the drop. */
  readonly value: number;
}

const countFigures = {
  noticed: (row: RowResult) => row.measured.noticed,
  false: (row: RowResult) => row.healthy.falseAlarms,
};

const durationFigures = {
  worst: (row: RowResult) => row.measured.fromDropMs?.max,
  median: (row: RowResult) => row.measured.fromDropMs?.median,
  p95: (row: RowResult) => row.measured.fromDropMs?.p95,
  min: (row: RowResult) => row.measured.fromDropMs?.min,
};

type Figure = keyof typeof countFigures | keyof typeof durationFigures;

const PART_NAMES = ['none', 'keepalive', 'user-timeout', 'heartbeat', 'idle-timeout', 'rto-max'];
const PLAIN_WORDS = [...Object.keys(loadWords), ...Object.keys(faultWords), ...PART_NAMES];

const FIGURES = [...Object.keys(countFigures), ...Object.keys(durationFigures)];

const GRAMMAR =
  "[WORDS] FIGURE OP VALUE, such as 'heartbeat worst<3.2s' or 'write noticed=0', with FIGURE " +
  `${FIGURES.join(', ')} and OP < <= = >= >`;

/** How many rows that fail are named before the rest is only counted. */
const ROWS_NAMED = 3;

/** @throws TcpaliveError BAD_USAGE naming the value and what is accepted. */
export function parseExpectation(written: string): Expectation {
  const {
    text,
    subject,
    figure: name,
    comparator,
    value,
  } = parseWritten(written, FIGURES, GRAMMAR);
  const figure = name as Figure;
  return {
    text,
    words: subject.map(parseWord),
    figure,
    comparator,
    value: isCount(figure) ? parseCount(value, figure) : parseDuration(value),
  };
}

type RowWords = Pick<RowResult, 'mode' | 'load' | 'fault'>;

/** It must hold for every row that it selects and that was waited for, and there must be one. */
export function checkExpectation(expectation: Expectation, rows: readonly RowResult[]): Checked {
  const { text, figure } = expectation;
  const selected = rows.filter((row) => selectsRow(expectation, row));
  const waitedFor = selected.filter((row) => row.measured.waited);
  if (selected.length === 0) return { text, pass: false, got: 'no row matches' };
  if (waitedFor.length === 0) return { text, pass: false, got: 'no matching row was waited for' };
  const failing = waitedFor.filter((row) => {
    const found = figureOf(row, figure);
    return found === undefined || !holds(found, expectation);
  });
  const pass = failing.length === 0;
  const got = pass ? rangeOf(waitedFor, figure) : offenders(failing, figure, waitedFor.length > 1);
  return { text, pass, got };
}

function parseWord(word: string): string {
  if (PLAIN_WORDS.includes(word)) return word;
  if (/^(outage|pause|loss)=/.test(word)) return parseFault(word);
  if (/[=+]/.test(word)) return formatMode(parseMode(word));
  throw new TcpaliveError(
    'BAD_USAGE',
    `'${word}' selects no row: a load (${Object.keys(loadWords).join(', ')}), ` +
      `a fault (${faultGrammar.join(', ')}), a mode such as heartbeat=1s:3s, ` +
      `or the name of a part of one (${PART_NAMES.join(', ')})`,
  );
}

/** Whether a row with these words is one that the expectation is about. */
export function selectsRow({ words }: Expectation, row: RowWords): boolean {
  return words.every((word) => selects(word, row));
}

function selects(word: string, row: RowWords): boolean {
  const parts = row.mode.split('+').map((part) => part.replace(/=.*/, ''));
  return [row.load, row.fault, faultKind(row.fault), row.mode, ...parts].includes(word);
}

function figureOf(row: RowResult, figure: Figure): number | undefined {
  return isCount(figure) ? countFigures[figure](row) : durationFigures[figure](row);
}

function rangeOf(rows: readonly RowResult[], figure: Figure): string {
  const found = rows
    .map((row) => figureOf(row, figure))
    .filter((value) => value !== undefined)
    .sort((a, b) => a - b);
  const ends = new Set([found.at(0) ?? 0, found.at(-1) ?? 0]);
  return [...ends].map((value) => inWords(value, figure)).join(' to ');
}

function offenders(rows: readonly RowResult[], figure: Figure, named: boolean): string {
  const texts = rows.slice(0, ROWS_NAMED).map((row) => {
    const found = figureOf(row, figure);
    const got = found === undefined ? 'never noticed' : inWords(found, figure);
    return named ? `${got} (${row.mode} ${row.load} ${row.fault})` : got;
  });
  const rest = rows.length - texts.length;
  return [...texts, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
}

/** To the microsecond, as it was compared: rounding could make 2.9996s look like a failed `<3s`. */
function inWords(value: number, figure: Figure): string {
  if (isCount(figure)) return `${value}`;
  return value < 1000 ? `${value}ms` : `${Number((value / 1000).toFixed(6))}s`;
}

function isCount(figure: string): figure is keyof typeof countFigures {
  return Object.hasOwn(countFigures, figure);
}
