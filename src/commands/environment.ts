import type { Writable } from 'node:stream';

/** Everything a command may know of the world outside: handed in, so that a test can be that world. */
export interface Environment {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** The program itself, for processes of the lab. */
  readonly bin: string;
  /** As it was started, to be started again: what lies there then may be a newer version. */
  readonly command: readonly string[];
  /** Calls back on the first SIGINT or SIGTERM; returns how to stop listening. The second one kills. */
  onInterrupt(handler: (signal: InterruptSignal) => void): () => void;
  /** Calls back on every SIGHUP, which is no interruption then; returns how to stop listening. */
  onHangup(handler: () => void): () => void;
  /** Calls back on each SIGUSR2; returns how to stop listening: then it ends the process again. */
  onRestart(handler: () => void): () => void;
  /** Calls back when the process ends, however it does; returns how to stop listening. */
  onExit(handler: () => void): () => void;
  setExitCode(code: number): void;
}

export interface Output {
  readonly isTTY: boolean;
  /** Of the terminal; undefined where it is none. */
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  /** Text, or what has been encoded already. Returns true when none of it is waiting to be written. */
  write(text: string | Uint8Array): boolean | undefined;
  /** Pieces of it that wait. */
  readonly waiting: number;
  /**
   * From now on a write never waits for a reader, whoever else writes there, and one that has gone ends nobody:
   * nothing is written any more. A terminal is not meant.
   */
  neverBlock(): void;
  /** The same through another stream, if there is one for that descriptor. A terminal is not meant. */
  goOnIn(streamFor: (fd: number) => Writable | undefined): void;
}

export type InterruptSignal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';

/** 128 + the signal's number, as a shell reports it. */
export const interruptExitCode: Readonly<Record<InterruptSignal, number>> = {
  SIGINT: 130,
  SIGTERM: 143,
  SIGHUP: 129,
};
