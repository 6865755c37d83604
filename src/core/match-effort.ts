/**
 * How many steps a backtracking matcher may take for a regular expression, at the very worst: an upper
 * bound worked out from its text alone, for what comes from strangers and must not stop the loop.
 */

/** Of one part at one place: in how many ways it can match, and what it takes to try them all. */
interface Effort {
  readonly ways: number;
  readonly steps: number;
  /** It can begin only where the text does. */
  readonly isAnchored: boolean;
}

const ONE: Effort = { ways: 1, steps: 1, isAnchored: false };

/**
 * @param bare a regular expression's source without escapes and classes, a character for each, and
 *   without a group that is repeated
 * @param length of the text it is matched against: no part repeats more often, or begins later
 */
export function matchEffort(bare: string, length: number): number {
  let at = 0;
  const { steps, isAnchored } = alternatives();
  return isAnchored ? steps : steps * length;

  function alternatives(): Effort {
    const each = [sequence()];
    while (taken(/\|/y) !== undefined) each.push(sequence());
    return {
      ways: each.reduce((sum, { ways }) => sum + ways, 0),
      steps: each.reduce((sum, { steps }) => sum + steps, 0),
      isAnchored: each.every(({ isAnchored }) => isAnchored),
    };
  }

  function sequence(): Effort {
    let [ways, steps] = [1, 1];
    const isAnchored = bare[at] === '^';
    while (at < bare.length && bare[at] !== '|' && bare[at] !== ')') {
      const part = taken(GROUP) === undefined ? character() : group();
      const [least, most] = timesOf(taken(QUANTIFIER));
      steps += ways * part.steps * most;
      ways *= part.ways * (most - least + 1);
    }
    return { ways, steps, isAnchored };
  }

  function character(): Effort {
    at++;
    return ONE;
  }

  function group(): Effort {
    const effort = alternatives();
    at++; // its closing parenthesis
    return effort;
  }

  function timesOf(quantifier: string | undefined): readonly [least: number, most: number] {
    if (quantifier === undefined) return [1, 1];
    const [, from, comma, to] = /^\{(\d+)(,?)(\d*)/.exec(quantifier) ?? [];
    if (from === undefined) {
      return [quantifier.startsWith('+') ? 1 : 0, quantifier.startsWith('?') ? 1 : length];
    }
    const least = Math.min(Number(from), length);
    if (comma === '') return [least, least];
    return [least, to === '' ? length : Math.min(Number(to), length)];
  }

  function taken(token: RegExp): string | undefined {
    token.lastIndex = at;
    const [text] = token.exec(bare) ?? [];
    at += text?.length ?? 0;
    return text;
  }
}

/** The beginning of one, whatever it captures or looks at. */
const GROUP = /\((?:\?(?:<?[=!]|<[^>]*>|[a-z-]*:))?/y;

/** Lazy ones included. */
const QUANTIFIER = /(?:[*+?]|\{\d+(?:,\d*)?\})\??/y;
