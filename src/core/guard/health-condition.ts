/**
 * What a status address must say, or must not: a field of its JSON, or a text anywhere in it.
 *
 *     state=Running · workers[0].up=true · queue.length<100 · text:Running
 */
import { TcpaliveError } from '../../errors.js';
import { COMPARATORS, holds, type Comparison } from '../comparator.js';

export type HealthCondition = { /** As it was written. */ readonly text: string } & (
  | { readonly kind: 'text'; readonly words: string }
  | ({ readonly kind: 'field'; readonly path: readonly string[] } & Comparison)
);

export interface HealthConditions {
  /** All of them must hold. */
  readonly healthy: readonly HealthCondition[];
  /** None of them may. */
  readonly unhealthy: readonly HealthCondition[];
}

/** Nobody reads further, in a condition or in a reason. */
const LONGEST_CONDITION = 200;
const LONGEST_SHOWN = 60;

const SHAPE = new RegExp(String.raw`^([^<>=\s]+)\s*(${COMPARATORS.join('|')})(?!=)\s*(.+)$`);
const PATH = /^(?:[^.[\]]+|\[\d{1,6}\])(?:\.[^.[\]]+|\[\d{1,6}\])*$/;

/** @throws TcpaliveError BAD_USAGE naming the value and what is accepted */
export function parseHealthCondition(text: string): HealthCondition {
  const normal = text.trim();
  if (normal.length > LONGEST_CONDITION) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `a condition of ${normal.length} characters: at most ${LONGEST_CONDITION}`,
    );
  }
  const [, words] = /^text:(.+)$/s.exec(normal) ?? [];
  if (words !== undefined) return { kind: 'text', text: normal, words };
  const [, path = '', operator, value = ''] = SHAPE.exec(normal) ?? [];
  const comparator = COMPARATORS.find((known) => known === operator);
  if (comparator === undefined || !PATH.test(path)) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${normal}' is not a condition: FIELD=VALUE such as state=Running or workers[0].up=true, ` +
        'FIELD<NUMBER, or text:WORDS',
    );
  }
  const isNumber = NUMBER.test(value);
  if (comparator !== '=' && !isNumber) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${value}' in '${normal}' is not a number: ${comparator} compares numbers, = any value`,
    );
  }
  const names = path.match(/[^.[\]]+/g) ?? [];
  return { kind: 'field', text: normal, path: names, comparator, value };
}

const NUMBER = /^-?\d{1,15}(?:\.\d{1,15})?$/;

/** Why a server that answers `body` is not well; undefined: it is. Of the body at most some 60 characters. */
export function troubleIn(
  body: string,
  { healthy, unhealthy }: HealthConditions,
): string | undefined {
  const asksFields = [...healthy, ...unhealthy].find(({ kind }) => kind === 'field');
  const document = asksFields === undefined ? undefined : parseJson(body);
  if (asksFields !== undefined && document === undefined) {
    return `the answer is no JSON, and '${asksFields.text}' asks for a field of it`;
  }
  for (const condition of healthy) {
    const { does, found } = meets(condition, body, document?.value);
    if (!does) return `not '${condition.text}': ${found}`;
  }
  for (const condition of unhealthy) {
    const { does, found } = meets(condition, body, document?.value);
    if (does) return `'${condition.text}': ${found}`;
  }
  return undefined;
}

interface Met {
  readonly does: boolean;
  /** In words. */
  readonly found: string;
}

function meets(condition: HealthCondition, body: string, document: unknown): Met {
  if (condition.kind === 'text') {
    const does = body.includes(condition.words);
    return { does, found: does ? 'the answer says so' : 'the answer does not say so' };
  }
  const value = valueAt(document, condition.path);
  if (value === undefined) return { does: false, found: 'there is no such field' };
  return { does: compares(value, condition), found: `it is ${shown(value)}` };
}

function compares(found: unknown, { comparator, value }: Comparison): boolean {
  if (typeof found === 'number') return holds(found, { comparator, value: Number(value) });
  return typeof found !== 'object' || found === null
    ? holds(String(found), { comparator, value })
    : false;
}

function valueAt(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) {
      return undefined;
    }
    value = (value as Record<string, unknown>)[name];
  }
  return value;
}

function parseJson(body: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(body) as unknown };
  } catch {
    return undefined;
  }
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  const text = JSON.stringify(value);
  return text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN)}…` : text;
}
