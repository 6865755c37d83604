import { TcpaliveError } from '../errors.js';

/** What a figure is held against, in `--expect` and in a scenario's `expect:`. */
export type Comparator = '<' | '<=' | '=' | '>=' | '>';

/** The longer spellings first, so that an alternation of them reads `<=` whole. */
export const COMPARATORS: readonly Comparator[] = ['<=', '>=', '<', '>', '='];

export interface Comparison {
  readonly comparator: Comparator;
  /** Words are only ever equal or not. */
  readonly value: number | string;
}

/** One expectation held against what was found. */
export interface Checked {
  readonly text: string;
  readonly got: string;
  readonly pass: boolean;
}

export function holds(found: number | string, { comparator, value }: Comparison): boolean {
  if (comparator === '=') return found === value;
  if (typeof found !== 'number' || typeof value !== 'number') return false;
  switch (comparator) {
    case '<':
      return found < value;
    case '<=':
      return found <= value;
    case '>=':
      return found >= value;
    case '>':
      return found > value;
  }
}

/** `SUBJECT FIGURE OP VALUE` as it was written, with single spaces, and in its parts. */
export interface WrittenComparison {
  readonly text: string;
  /** All words before the figure. */
  readonly subject: readonly string[];
  readonly figure: string;
  readonly comparator: Comparator;
  readonly value: string;
}

const WRITTEN = new RegExp(
  String.raw`^(?:(.*)\s)?([^\s<>=]+)\s*(${COMPARATORS.join('|')})\s*([^\s<>=]+)$`,
);

/**
 * @param figures which there are
 * @param grammar what is accepted, for whoever wrote something else
 * @throws TcpaliveError BAD_USAGE
 */
export function parseWritten(
  written: string,
  figures: readonly string[],
  grammar: string,
): WrittenComparison {
  const text = written.trim().replace(/\s+/g, ' ');
  const [, subject = '', figure = '', operator, value = ''] = WRITTEN.exec(text) ?? [];
  const comparator = COMPARATORS.find((known) => known === operator);
  if (comparator === undefined || !figures.includes(figure)) {
    throw new TcpaliveError('BAD_USAGE', `'${text}' is not an expectation: ${grammar}`);
  }
  return { text, subject: subject.split(' ').filter(Boolean), figure, comparator, value };
}

/** @throws TcpaliveError BAD_USAGE */
export function parseCount(value: string, figure: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new TcpaliveError(
    'BAD_USAGE',
    `'${value}' is not a count: ${figure} takes a whole number without a unit, such as ${figure}=0`,
  );
}

const COUNT = new RegExp(String.raw`^(${COMPARATORS.join('|')})?\s*(\d{1,9})$`);

/**
 * A count: `6` (equal), `>0`, `>=6`, `<64`, `<=64`, `=5`.
 * @throws TcpaliveError BAD_USAGE
 */
export function parseCountComparison(text: string): Comparison {
  const [, operator = '=', digits] = COUNT.exec(text.trim()) ?? [];
  const comparator = COMPARATORS.find((known) => known === operator);
  if (comparator === undefined || digits === undefined) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${text}' is not a count: a whole number, or a comparison such as '>0' or '<=64'`,
    );
  }
  return { comparator, value: Number(digits) };
}
