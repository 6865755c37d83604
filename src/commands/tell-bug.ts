import { stackOf } from '../errors.js';
import type { Environment } from './environment.js';

/**
 * A bug in an answer is told with its stack and ends nothing: nobody is served by it, and thousands would be
 * cut off every time that a scraper asks. The same one again is not told again.
 */
export function tellBug(env: Environment): (error: unknown) => void {
  let told = '';
  return (error) => {
    const stack = stackOf(error);
    if (stack !== told) env.stderr.write(`${stack}\n`);
    told = stack;
  };
}
