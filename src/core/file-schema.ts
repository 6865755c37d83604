/**
 * What the shapes of our YAML files are made of. Every message reads `what is wrong; what is accepted`.
 * Knows none of the files.
 */
import * as v from 'valibot';
import { TcpaliveError } from '../errors.js';
import { nearestWord } from './nearest-word.js';
import { quoted, type Position, type YamlFile } from './plain-yaml.js';

/** The parsers' messages repeat what they were given: nothing that is longer gets to them. */
const LONGEST_WORD = 120;

/** What the file holds, as `schema` has it. @throws what `refuse` makes of the first thing that is wrong */
export function checkShape<Output>(
  schema: v.GenericSchema<unknown, Output>,
  yaml: YamlFile,
  refuse: (at: Position, message: string) => TcpaliveError,
): Output {
  const parsed = v.safeParse(schema, yaml.value);
  if (parsed.success) return parsed.output;
  const { at, message } = firstTrouble(parsed.issues, yaml);
  throw refuse(at, message);
}

export function isBefore(one: Position, other: Position): boolean {
  return one.line < other.line || (one.line === other.line && one.column < other.column);
}

/** The first in the file. What is missing comes last: a key that is wrong is often why. */
function firstTrouble(
  issues: readonly [v.BaseIssue<unknown>, ...v.BaseIssue<unknown>[]],
  yaml: YamlFile,
) {
  const troubles = issues.map(({ path = [], expected, message }) => {
    const aboutKey = path.at(-1)?.origin === 'key';
    const keys = path.map(({ key }) => key as PropertyKey);
    const at = yaml.positionOf(keys, aboutKey ? 'key' : 'value');
    return { at, message, missing: aboutKey && expected !== 'never' };
  });
  return troubles.reduce((first, other) => {
    if (first.missing !== other.missing) return first.missing ? other : first;
    return isBefore(other.at, first.at) ? other : first;
  });
}

/** What a person calls a value in a file. */
export function shown(input: unknown): string {
  if (typeof input === 'string') return quoted(input);
  if (Array.isArray(input)) return 'a list';
  if (isMapping(input)) return 'a mapping';
  return typeof input === 'number' || typeof input === 'boolean' ? String(input) : 'an empty value';
}

export function isMapping(input: unknown): input is object {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

/** Exactly these keys. */
export function mapping<const Entries extends v.ObjectEntries>(what: string, entries: Entries) {
  const keys = Object.keys(entries);
  const accepted = keys.join(', ');
  const meant = (input: string) => {
    const nearest = nearestWord(input, keys);
    return nearest === undefined ? '' : `, did you mean ${nearest}?`;
  };
  const schema = v.strictObject(entries, ({ expected, input }) =>
    expected === 'never'
      ? `${quoted(String(input))} is not a key of ${what}${meant(String(input))}; accepted: ${accepted}`
      : `${what} without ${expected.replaceAll('"', "'")}; accepted: ${accepted}`,
  );
  return v.lazy((input) =>
    isMapping(input)
      ? schema
      : v.never(`${shown(input)} is not ${what}; a mapping with ${accepted}`),
  );
}

export function list<Item extends v.GenericSchema>(item: Item, what: string, most = Infinity) {
  const accepted = `a list of ${what}, at least one`;
  return v.pipe(
    v.array(item, ({ input }) => `${shown(input)} where ${what} are expected; ${accepted}`),
    v.minLength(1, `an empty list; ${accepted}`),
    v.maxLength(most, ({ input }) => `${input.length} ${what}; at most ${most}`),
  );
}

export function text(accepts: (input: string) => boolean, what: string, accepted: string) {
  return v.custom<string>(
    (input) => typeof input === 'string' && accepts(input),
    ({ input }) => `${shown(input)} is not ${what}; ${accepted}`,
  );
}

export function whole(what: string, min: number, max: number) {
  return v.custom<number>(
    (input) => Number.isInteger(input) && Number(input) >= min && Number(input) <= max,
    ({ input }) => `${what} cannot be ${shown(input)}; a whole number, ${min} to ${max}`,
  );
}

/** What one of the command line's own parsers reads: the same grammar and the same words. */
export function spelled<Output>(parse: (text: string) => Output, what: string, accepted: string) {
  return v.pipe(
    v.unknown(),
    v.rawTransform(({ dataset: { value }, addIssue, NEVER }): Output => {
      const scalar = typeof value === 'string' || typeof value === 'number';
      if (!scalar || String(value).length > LONGEST_WORD) {
        addIssue({ message: `${shown(value)} is not ${what}; ${accepted}` });
        return NEVER;
      }
      try {
        return parse(String(value));
      } catch (error) {
        if (!(error instanceof TcpaliveError)) throw error;
        addIssue({ message: error.message });
        return NEVER;
      }
    }),
  );
}
