/** From strings to typed options: what several commands share. */
import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../core/duration.js';
import { TcpaliveError } from '../errors.js';
import { parseFormat, type Format } from '../report/format.js';

/** Makes a parser of the core one of commander's, which names the flag in its message. */
export function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof TcpaliveError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** The same for a flag that may be given several times. */
export function repeatable<T>(parse: (text: string) => T): (text: string, so: readonly T[]) => T[] {
  const parseOne = argument(parse);
  return (text, so) => [...so, parseOne(text)];
}

export const parseDurationArgument = argument(parseDuration);

/** @throws TcpaliveError BAD_USAGE outside min…max */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return argument((text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new TcpaliveError('BAD_USAGE', `'${text}' is not a whole number, ${min} to ${max}`);
    }
    return value;
  });
}

export interface FormatOptions {
  readonly format: Format;
  readonly json?: boolean;
}

export function formatOption(): Option {
  return new Option('--format <format>', 'table, markdown, csv, json or jsonl')
    .default('table')
    .env('TCPALIVE_FORMAT')
    .argParser(argument(parseFormat));
}

export function jsonOption(): Option {
  return new Option('--json', 'short for --format json');
}

export function colorOption(): Option {
  return new Option('--color <when>', 'colour: auto, always or never')
    .choices(['auto', 'always', 'never'])
    .default('auto')
    .env('TCPALIVE_COLOR');
}

export function chosenFormat({ format, json }: FormatOptions): Format {
  return json === true ? 'json' : format;
}
