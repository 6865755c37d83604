/**
 * A process that outlives the guardian by as long as it takes to end what the guardian has left: it
 * holds one end of a pipe whose other end closes with the guardian, however that ends.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { formatDuration } from '../core/duration.js';
import { carries, MARKER } from '../core/guard/marker.js';
import { pause } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import { livingBelow } from './descent.js';
import { endAll, type Ended } from './ending.js';
import type { Family } from './family.js';

export interface SentinelOptions {
  /**
   * The program and its arguments: it waits for the end of its standard input, and calls `endFamily`. A line
   * there is a stop timeout, instead of the one that it knows.
   */
  readonly command: readonly string[];
  /** It ended before us, or could not be started; another one comes. */
  readonly onLost: (reason: string) => void;
}

export interface Sentinel {
  /** Undefined while there is none. */
  readonly pid: number | undefined;
  /** From SIGTERM to SIGKILL, from now on: another configuration may want more. */
  grant(stopTimeoutMs: number): void;
  /** Resolves when it is gone; it ends what is left first. Idempotent. */
  close(): Promise<void>;
}

/** Where none can be started there is no use in trying more often. */
const AGAIN_AFTER_MS = 1000;

/** In the environment of a sentinel: when its guardian began, as `Kin` has it, wherever that is looked at from. */
const GUARDIAN_BEGAN = 'TCPALIVE_GUARD_BEGAN';

const LOOK_EVERY_MS = 50;

export function keepSentinel(family: Family, { command, onLost }: SentinelOptions): Sentinel {
  let sentinel: ChildProcess | undefined;
  let again: NodeJS.Timeout | undefined;
  let isClosing = false;
  let grantedMs: number | undefined;
  const began = family.kernel.kinOf(process.pid)?.startedAtTicks;
  const env = { ...process.env, [GUARDIAN_BEGAN]: String(began) };

  function lost(reason: string): void {
    sentinel = undefined;
    if (isClosing) return;
    onLost(reason);
    again = setTimeout(start, AGAIN_AFTER_MS);
  }

  function start(): void {
    try {
      const child = family.spawn(command, { env, stdio: ['pipe', 'ignore', 'ignore'] });
      sentinel = child;
      child.once('error', (error) => lost(error.message));
      child.once('exit', (code, signal) => lost(`it ended (${signal ?? `exit ${code ?? 0}`})`));
      // Its end is told by 'exit'.
      child.stdin?.on('error', () => undefined);
      if (grantedMs !== undefined) tell(child, grantedMs);
    } catch (error) {
      lost((error as Error).message);
    }
  }

  start();
  return {
    get pid() {
      return sentinel?.pid;
    },
    grant(stopTimeoutMs) {
      grantedMs = stopTimeoutMs;
      if (sentinel !== undefined) tell(sentinel, stopTimeoutMs);
    },
    async close() {
      isClosing = true;
      clearTimeout(again);
      if (sentinel?.pid === undefined) return;
      const gone = once(sentinel, 'exit');
      sentinel.stdin?.end();
      await gone;
    },
  };
}

function tell({ stdin }: ChildProcess, stopTimeoutMs: number): void {
  if (stdin?.writable === true) stdin.write(`${formatDuration(stopTimeoutMs)}\n`);
}

/**
 * Resolves when no sentinel is at work any more whose guardian is gone: what starts before that could meet
 * what still ends. Each takes its stop timeout at most, and what SIGKILL takes.
 * @param onWait who is waited for, once
 */
export async function waitForSentinels(
  kernel: Kernel,
  interruption: AbortSignal,
  onWait: (pids: readonly number[]) => void,
): Promise<void> {
  for (let isTold = false; !interruption.aborted; isTold = true) {
    const left = kernel.processIds().filter((pid) => isLeft(kernel, pid));
    if (left.length === 0) return;
    if (!isTold) onWait(left);
    await pause(LOOK_EVERY_MS, interruption);
  }
}

/** A guardian's child for as long as that lives, and somebody else's from then on. */
function isLeft(kernel: Kernel, pid: number): boolean {
  const began = kernel.variableOf(pid, GUARDIAN_BEGAN);
  const kin = kernel.kinOf(pid);
  if (began === undefined || kin === undefined || kin.hasEnded) return false;
  return String(kernel.kinOf(kin.parentPid)?.startedAtTicks) !== began;
}

/** Ends all that carries the token of a guardian that is gone, until nothing is found. */
export function endFamily(kernel: Kernel, token: string, stopTimeoutMs: number): Promise<Ended> {
  return endAll(kernel, {
    look: () => livingBelow(kernel, ({ pid }) => carries(kernel.variableOf(pid, MARKER), token)),
    stopTimeoutMs,
  });
}
