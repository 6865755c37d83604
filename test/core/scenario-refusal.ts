import { parseScenario } from '../../src/core/scenario.js';
import { TcpaliveError } from '../../src/errors.js';

/** The one line with which a scenario is refused. */
export function refusal(text: string, file = 'a.yaml'): string {
  try {
    parseScenario(text, file);
  } catch (error) {
    if (error instanceof TcpaliveError && error.code === 'BAD_SCENARIO') return error.message;
    throw error;
  }
  throw new Error(`was accepted: ${text}`);
}
