/** From strings to typed options: what several commands share. */
import type { EventEmitter } from 'node:events';
import { Option, type Command } from 'commander';
import { TcpaliveError } from '../errors.js';
import { parseFormat, type Format } from '../report/format.js';

/** For a flag that may be given several times. */
export function repeatable<T>(
  parse: (text: string) => T,
): (text: string, so?: readonly T[]) => T[] {
  return (text, so = []) => [...so, parse(text)];
}

/** @throws TcpaliveError BAD_USAGE outside min…max */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new TcpaliveError('BAD_USAGE', `'${text}' is not a whole number from ${min} to ${max}`);
    }
    return value;
  };
}

/** PID_MAX_LIMIT, include/linux/threads.h. */
const LARGEST_PID = 4_194_304;

/** @throws TcpaliveError BAD_USAGE */
export const parsePid = wholeNumber(1, LARGEST_PID);

/** What the parsers of the core refuse is told with the name of the flag, or of the variable, it was given to. */
export function nameFlagsInErrors(command: Command): void {
  for (const option of command.options) {
    const { parseArg: parse, long, envVar } = option;
    if (parse === undefined) continue;
    let name = long ?? option.flags;
    // Commander looks there last, and tells its own handler, which has been there since the option was added.
    const fromVariable = () => (name = envVar ?? name);
    (command as unknown as EventEmitter).prependListener(
      `optionEnv:${option.name()}`,
      fromVariable,
    );
    option.parseArg = named(() => name, parse);
  }
  for (const argument of command.registeredArguments) {
    const { parseArg: parse } = argument;
    if (parse !== undefined) argument.parseArg = named(() => argument.name(), parse);
  }
}

function named<T>(
  name: () => string,
  parse: (text: string, previous: T) => T,
): (text: string, previous: T) => T {
  return (text, previous) => {
    try {
      return parse(text, previous);
    } catch (error) {
      if (!(error instanceof TcpaliveError)) throw error;
      const { hint, cause } = error;
      throw new TcpaliveError(error.code, `${name()}: ${error.message}`, { hint, cause });
    }
  };
}

/** Those that were typed, as `--name`: a default and a variable are no request. */
export function typedFlags(command: Command): readonly string[] {
  return command.options
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .map(({ long }) => long ?? '');
}

/** Whatever else was typed would do nothing. @throws TcpaliveError BAD_USAGE */
export function refuseBeside(
  flag: string,
  typed: readonly string[],
  allowed: readonly string[],
): void {
  const idle = typed.filter((each) => each !== flag && !allowed.includes(each));
  if (idle.length === 0) return;
  throw new TcpaliveError('BAD_USAGE', `${flag} cannot be combined with ${idle.join(', ')}`);
}

export interface FormatOptions {
  readonly format: Format;
  readonly json?: boolean;
}

export function formatOption(): Option {
  return new Option('--format <format>', 'table, markdown, csv, json or jsonl')
    .default('table')
    .env('TCPALIVE_FORMAT')
    .argParser(parseFormat);
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
