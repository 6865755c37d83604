/**
 * One run of a service: a process in a session of its own, and whatever it starts. Signals go to what
 * was started here or is proven to descend from it, through a descriptor that stays that process's own
 * (pidfd_open(2)): a number that was given away meanwhile reaches nobody else.
 */
import type { Instant } from '../core/time.js';

export interface ChildOptions {
  /** The program and its arguments; no shell reads them. */
  readonly command: readonly string[];
  /** Default: the guardian's own. */
  readonly cwd?: string | undefined;
  /** The whole environment; the marker is added. */
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** They become its descriptors from 3 on, in this order. */
  readonly descriptors?: readonly number[] | undefined;
  /**
   * Standard output and error; default: the guardian's own. `stderr`: both to its standard error. There is no
   * standard input.
   */
  readonly output?: 'inherit' | 'stderr' | 'ignore' | undefined;
  /**
   * Called when the main process has ended, before that counts: what it said at the end, such as who
   * comes after it, is to be heard first (`NotifyListener.drain`).
   */
  readonly hearFirst?: (() => void) | undefined;
}

export type Started =
  | { readonly kind: 'started'; readonly child: Child }
  /** `code`: ENOENT, EACCES, EAGAIN, …, or one of ours; `reason` names the command or the folder. */
  | { readonly kind: 'failed'; readonly code: string; readonly reason: string };

export interface Child {
  /** Of whoever is the main process now. */
  readonly pid: number;
  /** Of the main process, whoever that is by then. What it has started may still be there: see `stop`. */
  readonly exited: Promise<Exit>;
  /** What a process is to this service: its sender's standing, of a message that names it. */
  standingOf(pid: number): Standing;
  /** MAINPID: that one is the main process from now on. False when it is gone, or no descendant. */
  follow(pid: number): boolean;
  /**
   * Ends the main process and all that it has started; also those that it has left behind. Who asks again
   * is told the same, unless somebody was left: then it is tried again. Never rejects.
   */
  stop(options: StopOptions): Promise<Stopped>;
}

/** `former`: it was the main process before another one was followed. */
export type Standing = 'main' | 'former' | 'descendant' | 'stranger';

/** Both null: nobody tells, because another parent has reaped it. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly at: Instant;
}

export interface StopOptions {
  /** From SIGTERM to SIGKILL. */
  readonly stopTimeoutMs: number;
  /** No SIGKILL before that; asked again and again, it may move. Undefined: the timeout alone counts. */
  readonly extendedTo?: (() => Instant | undefined) | undefined;
  /** A diagnostic while it still hangs. */
  readonly beforeKill?: BeforeKill | undefined;
}

export type BeforeKill =
  /** It finds the main process's number in TCPALIVE_GUARD_PID. Beyond the timeout it is killed. */
  | { readonly kind: 'command'; readonly command: readonly string[]; readonly timeoutMs: number }
  /** And so long to write what it writes then. */
  | {
      readonly kind: 'signal';
      readonly signal: 'SIGQUIT' | 'SIGABRT';
      readonly timeoutMs: number;
    };

export interface Stopped {
  /** The last that it took for all of them; `already`: nobody was there any more. */
  readonly by: 'already' | 'TERM' | 'KILL';
  readonly tookMs: number;
  /** How the diagnostic went wrong; undefined: it did not, or none was asked for. */
  readonly beforeKillFailed: string | undefined;
  /** Who is still there although it was killed, or may not be ended by us. */
  readonly named: readonly Survivor[];
}

export interface Survivor {
  readonly pid: number;
  /** Text from outside. */
  readonly name: string;
}
