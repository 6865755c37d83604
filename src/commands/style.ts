import type { Style } from '../report/format.js';
import type { Environment, Output } from './environment.js';

export type ColorChoice = 'auto' | 'always' | 'never';

const DEFAULT_WIDTH = 100;

/** Colour, characters and width for one output: resolved once, here, and passed on. */
export function styleFor(env: Environment, output: Output, color: ColorChoice): Style {
  return {
    color: wantsColor(env.variables, output, color),
    unicode: isUtf8(env.variables),
    width: output.columns ?? DEFAULT_WIDTH,
  };
}

/** Whether `output` can be painted again in place. */
export function isAnimated(env: Environment, output: Output): boolean {
  return output.isTTY && env.variables['TERM'] !== 'dumb';
}

/** --color, then NO_COLOR (no-color.org), then FORCE_COLOR, then whether it is a terminal. */
function wantsColor(
  variables: Environment['variables'],
  output: Output,
  color: ColorChoice,
): boolean {
  if (color !== 'auto') return color === 'always';
  if ((variables['NO_COLOR'] ?? '') !== '') return false;
  const force = variables['FORCE_COLOR'];
  if (force !== undefined) return force !== '0' && force !== 'false';
  return output.isTTY && variables['TERM'] !== 'dumb';
}

/** The locale's character set, by the precedence of setlocale(3). */
function isUtf8(variables: Environment['variables']): boolean {
  const chosen = [variables['LC_ALL'], variables['LC_CTYPE'], variables['LANG']];
  return /utf-?8/i.test(chosen.find((value) => value !== undefined && value !== '') ?? '');
}
