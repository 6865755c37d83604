/** A diagnostic of what hangs, before it is ended: bounded, and its own failure ends nothing. */
import { addMs } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { KernelRefusal } from '../kernel/kernel.js';
import type { HeldProcess } from '../kernel/process-view.js';
import { runBounded } from './bounded-command.js';
import type { BeforeKill } from './child.js';
import { untilHolds } from './ending.js';
import type { Family } from './family.js';

interface Main {
  readonly pid: number;
  readonly held: HeldProcess;
}

/** @returns how it went wrong */
export function diagnose(
  family: Family,
  main: Main,
  token: string,
  how: BeforeKill,
): Promise<string | undefined> {
  return how.kind === 'signal' ? signal(main, how) : run(family, main, token, how);
}

async function signal(
  { held }: Main,
  { signal: name, timeoutMs }: Extract<BeforeKill, { kind: 'signal' }>,
): Promise<string | undefined> {
  try {
    held.signal(name);
    // What is stopped would only hear it later.
    held.signal('SIGCONT');
  } catch (error) {
    // Such as of what has changed its user: no reason to end the guardian, and all others with it.
    if (!(error instanceof KernelRefusal)) throw error;
    return error.message;
  }
  const deadline = addMs(monotonicNow(), timeoutMs);
  await untilHolds(() => held.hasEnded() || monotonicNow() >= deadline);
  return undefined;
}

async function run(
  family: Family,
  { pid }: Main,
  token: string,
  { command, timeoutMs }: Extract<BeforeKill, { kind: 'command' }>,
): Promise<string | undefined> {
  // Marked: what it leaves behind is ended with the run.
  const env = { ...family.marked(process.env, token), TCPALIVE_GUARD_PID: `${pid}` };
  const end = await runBounded(family, command, { env, timeoutMs });
  switch (end.kind) {
    case 'done':
      return undefined;
    case 'failed':
      return `ended with ${end.how}`;
    case 'late':
      return `not done within ${timeoutMs} ms, and killed`;
    case 'not-started':
      return end.reason;
  }
}
