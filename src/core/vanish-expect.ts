/**
 * `--expect` of `probe --vanish`: `FIGURE OP VALUE`, one line each, for CI and change reviews.
 *
 *     noticed<5m · mechanism=keepalive · idle<=60s · count=3
 */
import { TcpaliveError } from '../errors.js';
import { parseCount, parseWritten, type Checked, type Comparator } from './comparator.js';
import { formatDuration, parseDuration } from './duration.js';
import type { Span } from './timer-wheel.js';
import { MECHANISMS } from './vanish-inference.js';
import type { VanishedConnection, VanishResult } from './vanish-result.js';

export interface VanishExpectation {
  /** As it was written, with single spaces. */
  readonly text: string;
  readonly figure: string;
  readonly comparator: Comparator;
  /** A count, milliseconds, or a mechanism. */
  readonly value: number | string;
}

type Found = Span | string | undefined;

interface Figure {
  readonly parse: (value: string, figure: string) => number | string;
  readonly of: (connection: VanishedConnection) => Found;
  /** For what was not found. */
  readonly missing: string;
  readonly words: (ms: number) => string;
}

const NOT_SEEN = 'not seen';

const figures: Readonly<Record<string, Figure>> = {
  noticed: {
    parse: parseDuration,
    of: ({ noticedAfterMs }) => noticedAfterMs ?? undefined,
    missing: 'not noticed',
    words: formatDuration,
  },
  idle: {
    parse: parseDuration,
    of: ({ inferred }) => inferred.idleMs ?? undefined,
    missing: NOT_SEEN,
    words: formatDuration,
  },
  interval: {
    parse: parseDuration,
    of: ({ inferred }) => inferred.intervalMs ?? undefined,
    missing: NOT_SEEN,
    words: formatDuration,
  },
  count: {
    parse: parseCount,
    of: ({ inferred: { count } }) => (count === null ? undefined : { min: count, max: count }),
    missing: NOT_SEEN,
    words: String,
  },
  mechanism: {
    parse: parseMechanism,
    of: ({ mechanism }) => mechanism,
    missing: NOT_SEEN,
    words: String,
  },
};

const GRAMMAR =
  "FIGURE OP VALUE, such as 'noticed<5m' or 'mechanism=keepalive', with FIGURE " +
  `${Object.keys(figures).join(', ')} and OP < <= = >= >`;

/** @throws TcpaliveError BAD_USAGE naming the value and what is accepted */
export function parseVanishExpectation(written: string): VanishExpectation {
  const comparison = parseWritten(written, Object.keys(figures), GRAMMAR);
  const { text, subject, figure, comparator } = comparison;
  if (subject.length > 0) {
    throw new TcpaliveError('BAD_USAGE', `'${text}' is not an expectation: ${GRAMMAR}`);
  }
  const value = figures[figure]?.parse(comparison.value, figure) ?? '';
  if (typeof value === 'string' && comparator !== '=') {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${text}': a mechanism is one or not: ${figure}=${value}`,
    );
  }
  return { text, figure, comparator, value };
}

/**
 * It must hold for every connection that vanished, wherever in its uncertainty the true figure lies. What `=` names
 * must lie within.
 */
export function checkVanishExpectation(
  { text, figure: name, comparator, value }: VanishExpectation,
  { connections }: Pick<VanishResult, 'connections'>,
): Checked {
  const figure = figures[name];
  if (figure === undefined || connections.length === 0) {
    return { text, pass: false, got: 'nothing vanished' };
  }
  const found = connections.map((connection) => figure.of(connection));
  const failing = found.filter((one) => !surely(one, comparator, value));
  const told = failing.length > 0 ? failing : found;
  const got = [...new Set(told.map((one) => inWords(one, figure)))].join(', ');
  return { text, pass: failing.length === 0, got };
}

function surely(found: Found, comparator: Comparator, value: number | string): boolean {
  if (found === undefined) return false;
  if (typeof found === 'string' || typeof value === 'string') return found === value;
  switch (comparator) {
    case '<':
      return found.max < value;
    case '<=':
      return found.max <= value;
    case '=':
      return found.min <= value && value <= found.max;
    case '>=':
      return found.min >= value;
    case '>':
      return found.min > value;
  }
}

function inWords(found: Found, { missing, words }: Figure): string {
  if (found === undefined) return missing;
  if (typeof found === 'string') return found;
  return [...new Set([found.min, found.max].map(words))].join(' to ');
}

function parseMechanism(value: string): string {
  if (MECHANISMS.some((known) => known === value)) return value;
  throw new TcpaliveError('BAD_USAGE', `'${value}' is not a mechanism: ${MECHANISMS.join(', ')}`);
}
