/** A command that is run beside the services, with a bound on its time. What it prints goes to standard error. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { ChildOptions } from './child.js';
import type { Family } from './family.js';

export type CommandEnd =
  | { readonly kind: 'done' }
  /** `how`: its signal, or `exit 3`. */
  | { readonly kind: 'failed'; readonly how: string }
  /** It was killed. */
  | { readonly kind: 'late' }
  | { readonly kind: 'not-started'; readonly reason: string };

export interface CommandOptions {
  readonly env: ChildOptions['variables'];
  readonly timeoutMs: number;
  /** Kills it. */
  readonly interruption?: AbortSignal;
}

/** Never rejects. */
export async function runBounded(
  family: Family,
  command: readonly string[],
  { env, timeoutMs, interruption }: CommandOptions,
): Promise<CommandEnd> {
  let child: ChildProcess;
  try {
    child = family.spawn(command, { env, stdio: ['ignore', 2, 2] });
  } catch (error) {
    return notStarted(error);
  }
  const kill = () => void child.kill('SIGKILL');
  const late = setTimeout(kill, timeoutMs);
  interruption?.addEventListener('abort', kill);
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
    if (child.killed && interruption?.aborted !== true) return { kind: 'late' };
    return code === 0 ? { kind: 'done' } : { kind: 'failed', how: signal ?? `exit ${code ?? 0}` };
  } catch (error) {
    return notStarted(error);
  } finally {
    clearTimeout(late);
    interruption?.removeEventListener('abort', kill);
  }
}

function notStarted(error: unknown): CommandEnd {
  return { kind: 'not-started', reason: error instanceof Error ? error.message : '' };
}
