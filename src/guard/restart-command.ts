/** Runs what restarts a service that is no child of the guardian. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { interruptible, pause } from '../kernel/interruption.js';
import type { Family } from './family.js';

/** Undefined: it ended well in time. Never rejects. */
export async function runRestartCommand(
  family: Family,
  command: readonly string[],
  timeoutMs: number,
  interruption: AbortSignal,
): Promise<string | undefined> {
  let child: ChildProcess;
  try {
    // What it has started is not the guardian's: it may be the very service.
    const env = family.outside(process.env);
    child = family.spawn(command, { env, stdio: ['ignore', 2, 2] });
  } catch (error) {
    return cannotBeStarted(error);
  }
  const waiting = interruptible();
  const giveUp = () => waiting.abort();
  interruption.addEventListener('abort', giveUp, { once: true });
  const late = pause(timeoutMs, waiting.signal).then(() => {
    const isLate = !waiting.signal.aborted;
    child.kill('SIGKILL');
    return isLate ? `it took longer than ${timeoutMs} ms and was killed` : undefined;
  });
  const failure = await once(child, 'exit').then(
    ([code, signal]: (number | string | null)[]) =>
      code === 0 ? undefined : `it ended with ${signal ?? `exit ${code ?? ''}`}`,
    cannotBeStarted,
  );
  interruption.removeEventListener('abort', giveUp);
  waiting.abort();
  return (await late) ?? failure;
}

function cannotBeStarted(error: unknown): string {
  return `it cannot be started: ${error instanceof Error ? error.message : ''}`;
}
