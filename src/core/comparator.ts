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
