/**
 * A process that outlives the guardian by as long as it takes to end what the guardian has left: it
 * holds one end of a pipe whose other end closes with the guardian, however that ends.
 */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { carries, MARKER } from '../core/guard/marker.js';
import type { Kernel } from '../kernel/kernel.js';
import { livingBelow } from './descent.js';
import { endAll, type Ended } from './ending.js';
import type { Family } from './family.js';

export interface SentinelOptions {
  /** The program and its arguments: it waits for the end of its standard input, and calls `endFamily`. */
  readonly command: readonly string[];
  /** It ended before us, or could not be started; another one comes. */
  readonly onLost: (reason: string) => void;
}

export interface Sentinel {
  /** Undefined while there is none. */
  readonly pid: number | undefined;
  /** Resolves when it is gone; it ends what is left first. Idempotent. */
  close(): Promise<void>;
}

/** Where none can be started there is no use in trying more often. */
const AGAIN_AFTER_MS = 1000;

export function keepSentinel(family: Family, { command, onLost }: SentinelOptions): Sentinel {
  let sentinel: ChildProcess | undefined;
  let again: NodeJS.Timeout | undefined;
  let isClosing = false;

  function lost(reason: string): void {
    sentinel = undefined;
    if (isClosing) return;
    onLost(reason);
    again = setTimeout(start, AGAIN_AFTER_MS);
  }

  function start(): void {
    try {
      const child = family.spawn(command, { stdio: ['pipe', 'ignore', 'ignore'] });
      sentinel = child;
      child.once('error', (error) => lost(error.message));
      child.once('exit', (code, signal) => lost(`it ended (${signal ?? `exit ${code ?? 0}`})`));
      // Its end is told by 'exit'.
      child.stdin?.on('error', () => undefined);
    } catch (error) {
      lost((error as Error).message);
    }
  }

  start();
  return {
    get pid() {
      return sentinel?.pid;
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

/** Ends all that carries the token of a guardian that is gone, until nothing is found. */
export function endFamily(kernel: Kernel, token: string, stopTimeoutMs: number): Promise<Ended> {
  return endAll(kernel, {
    look: () => livingBelow(kernel, ({ pid }) => carries(kernel.variableOf(pid, MARKER), token)),
    stopTimeoutMs,
  });
}
