import { TcpaliveError } from '../../src/errors.js';

/** The expected failure that `attempt` ends in; success, or any other exception, fails the test. */
export async function refused(attempt: Promise<unknown>): Promise<TcpaliveError> {
  try {
    await attempt;
  } catch (error) {
    if (error instanceof TcpaliveError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}
