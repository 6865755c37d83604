/**
 * What a reply must hold: text, `hex:` bytes, or a `/regular expression/`, anywhere in it. Bytes are
 * matched as the characters U+0000 to U+00FF.
 *
 * Replies come from strangers: an expression meets no more than the first `MOST_MATCHED_BYTES` of one,
 * and is refused if it could take more than `MOST_STEPS` there.
 */
import { TcpaliveError } from '../errors.js';
import { bytesOf, charactersOf } from './byte-text.js';
import { matchEffort } from './match-effort.js';

export interface Pattern {
  /** As it was written. */
  readonly text: string;
  readonly expression: RegExp;
}

export interface Match {
  /** Just behind it. */
  readonly end: number;
  /** What the expression's groups caught. */
  readonly groups: readonly Uint8Array[];
}

/** Beyond every first line; the rest of a reply says nothing about what speaks. */
export const MOST_MATCHED_BYTES = 1024;

/** About ten milliseconds: a repetition without bound anywhere, or two of them behind `^`. */
const MOST_STEPS = 2 ** 23;

/** A longer one fits nothing, or is no one's who means it. */
const LONGEST_PATTERN = MOST_MATCHED_BYTES;

/** @throws TcpaliveError BAD_USAGE */
export function parsePattern(text: string): Pattern {
  if (text.length > LONGEST_PATTERN) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `a reply of ${text.length} characters: at most ${LONGEST_PATTERN} are looked for`,
    );
  }
  const [, source] = /^\/(.+)\/$/s.exec(text) ?? [];
  if (source !== undefined) return { text, expression: parseExpression(source) };
  const characters = charactersOf(bytesOf(text));
  if (characters === '') {
    throw new TcpaliveError('BAD_USAGE', 'an empty reply is none: write text, hex:2b or /^[+]/');
  }
  return { text, expression: new RegExp(characters.replace(/[^\w ]/g, asEscape)) };
}

/** Undefined: nowhere in the beginning of `reply`. */
export function matchOf({ expression }: Pattern, reply: Uint8Array): Match | undefined {
  const found = expression.exec(charactersOf(reply.subarray(0, MOST_MATCHED_BYTES)));
  if (found === null) return undefined;
  const [whole, ...groups] = found as readonly (string | undefined)[];
  return {
    end: found.index + (whole ?? '').length,
    groups: groups.map((group = '') =>
      Uint8Array.from(group, (character) => character.charCodeAt(0)),
    ),
  };
}

function parseExpression(source: string): RegExp {
  const refuse = (reason: string) =>
    new TcpaliveError('BAD_USAGE', `'/${source}/' ${reason}: simplify it`);
  // What is left once escapes and classes are out of the way.
  const bare = source.replaceAll(/\\[^1-9k]/gs, '.').replaceAll(/\[(?:\\.|[^\]])*\]/gs, '.');
  if (bare.includes('\\')) throw refuse('refers back to a group, which can take for ever');
  if (/\)(?:[*+]|\{)/.test(bare)) throw refuse('repeats a group, which can take for ever');
  const expression = compiled(source);
  if (matchEffort(bare, MOST_MATCHED_BYTES) > MOST_STEPS) {
    throw refuse('repeats so much that it can take too long, less so where it begins with ^');
  }
  return expression;
}

function compiled(source: string): RegExp {
  try {
    return new RegExp(source, 's');
  } catch {
    throw new TcpaliveError('BAD_USAGE', `'/${source}/' is not a regular expression`);
  }
}

function asEscape(character: string): string {
  return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
}
