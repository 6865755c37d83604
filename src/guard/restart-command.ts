/** Runs what restarts a service that is no child of the guardian. */
import { runBounded } from './bounded-command.js';
import type { Family } from './family.js';

/** Undefined: it ended well in time. Never rejects. */
export async function runRestartCommand(
  family: Family,
  command: readonly string[],
  timeoutMs: number,
  interruption: AbortSignal,
): Promise<string | undefined> {
  // What it has started is not the guardian's: it may be the very service.
  const env = family.outside(process.env);
  const end = await runBounded(family, command, { env, timeoutMs, interruption });
  switch (end.kind) {
    case 'done':
      return undefined;
    case 'failed':
      return `it ended with ${end.how}`;
    case 'late':
      return `it took longer than ${timeoutMs} ms and was killed`;
    case 'not-started':
      return `it cannot be started: ${end.reason}`;
  }
}
