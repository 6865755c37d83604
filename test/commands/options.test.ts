import { Argument, Command, InvalidArgumentError, Option } from 'commander';
import { describe, expect, it } from 'vitest';
import {
  chosenFormat,
  colorOption,
  formatOption,
  nameFlagsInErrors,
  repeatable,
  wholeNumber,
} from '../../src/commands/options.js';
import { parseDuration } from '../../src/core/duration.js';
import { refusalOf } from '../refusal.js';

describe('wholeNumber', () => {
  it.each([
    ['1', 1],
    ['200', 200],
    ['007', 7],
  ])('reads %j', (text, value) => {
    expect(wholeNumber(1, 200)(text)).toBe(value);
  });

  it.each(['0', '201', '-1', '+1', '1.0', '1e2', '0x10', '', ' 5', '5\n', 'abc', '9'.repeat(400)])(
    'refuses %j, naming it and what is accepted',
    (text) => {
      const { code, message } = refusalOf(() => wholeNumber(1, 200)(text));
      expect({ code, message }).toEqual({
        code: 'BAD_USAGE',
        message: `'${text}' is not a whole number from 1 to 200`,
      });
    },
  );
});

describe('repeatable', () => {
  it('appends, and leaves what was there before as it was', () => {
    const before = [1];
    expect(repeatable(Number)('2', before)).toEqual([1, 2]);
    expect(before).toEqual([1]);
  });
});

describe('nameFlagsInErrors', () => {
  function programWith(...options: readonly Option[]): Command {
    const command = new Command('test')
      .exitOverride()
      .configureOutput({ writeErr: () => undefined });
    for (const option of options) command.addOption(option);
    return command.action(() => undefined);
  }

  function flag(flags: string, parse: (text: string, previous: unknown) => unknown): Option {
    return new Option(flags, 'a flag').argParser(parse);
  }

  it('puts the flag before what its parser refused', () => {
    const command = programWith(flag('-l, --limit <time>', parseDuration));
    nameFlagsInErrors(command);
    const { code, message } = refusalOf(() => command.parse(['-l', '5'], { from: 'user' }));
    expect({ code, message }).toEqual({
      code: 'BAD_USAGE',
      message: "--limit: '5' has no unit: did you mean 5s?",
    });
  });

  it('calls a short flag without a long name what it is', () => {
    const command = programWith(flag('-l <time>', parseDuration));
    nameFlagsInErrors(command);
    const { message } = refusalOf(() => command.parse(['-l', 'soon'], { from: 'user' }));
    expect(message).toMatch(/^-l <time>: 'soon' is not a duration/);
  });

  it('names an argument too', () => {
    const command = programWith().addArgument(
      new Argument('<time>', 'an argument').argParser(parseDuration),
    );
    nameFlagsInErrors(command);
    const { message } = refusalOf(() => command.parse(['5'], { from: 'user' }));
    expect(message).toBe("time: '5' has no unit: did you mean 5s?");
  });

  it('leaves what is accepted alone, repeated flags included', () => {
    const command = programWith(
      flag('--limit <time>', (text, so) => repeatable(parseDuration)(text, so as number[])).default(
        [],
      ),
      new Option('--plain <text>', 'a flag without a parser'),
    );
    nameFlagsInErrors(command);
    command.parse(['--limit', '5s', '--plain', 'x', '--limit', '1m'], { from: 'user' });
    expect(command.opts()).toEqual({ limit: [5000, 60_000], plain: 'x' });
  });

  it('leaves a bug a bug', () => {
    const bug = new RangeError('a bug');
    const command = programWith(
      flag('--limit <time>', () => {
        throw bug;
      }),
    );
    nameFlagsInErrors(command);
    expect(() => command.parse(['--limit', '5'], { from: 'user' })).toThrow(bug);
  });

  it("leaves commander's own refusals to commander", () => {
    const command = programWith(colorOption());
    nameFlagsInErrors(command);
    expect(() => command.parse(['--color', 'pink'], { from: 'user' })).toThrow(
      /'pink' is invalid.*auto, always, never/,
    );
  });
});

describe('options of several commands', () => {
  it('--json is short for a format, and wins', () => {
    expect(chosenFormat({ format: 'csv' })).toBe('csv');
    expect(chosenFormat({ format: 'csv', json: true })).toBe('json');
  });

  it('--format reads formats', () => {
    const { parseArg } = formatOption();
    expect(parseArg?.('csv', 'table')).toBe('csv');
    expect(() => parseArg?.('xml', 'table')).toThrow(/^'xml' is not a format/);
  });

  it('--color takes three words', () => {
    const { parseArg } = colorOption();
    expect(parseArg?.('never', 'auto')).toBe('never');
    expect(() => parseArg?.('Always', 'auto')).toThrow(InvalidArgumentError);
  });
});
