import { TcpaliveError } from '../src/errors.js';

/** The expected failure that `attempt` ends in; success, or any other exception, fails the test. */
export function refusalOf(attempt: () => unknown): TcpaliveError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof TcpaliveError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
