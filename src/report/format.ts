import { Chalk, type ChalkInstance } from 'chalk';
import { TcpaliveError } from '../errors.js';

export const formats = ['table', 'markdown', 'csv', 'json', 'jsonl'] as const;

export type Format = (typeof formats)[number];

/** What the place that the text goes to can show. */
export interface Style {
  readonly color: boolean;
  readonly unicode: boolean;
  /** Columns. */
  readonly width: number;
}

/** @throws TcpaliveError BAD_USAGE naming the value and what is accepted. */
export function parseFormat(text: string): Format {
  const format = formats.find((known) => known === text);
  if (format !== undefined) return format;
  throw new TcpaliveError('BAD_USAGE', `'${text}' is not a format: ${formats.join(', ')}`);
}

/** The one place that decides about colour: chalk's own detection ignores NO_COLOR. */
export function paint(style: Style): ChalkInstance {
  return new Chalk({ level: style.color ? 1 : 0 });
}
