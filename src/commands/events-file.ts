/**
 * A file of lines that others read while it grows, one write a line, at its end. A disk that takes no more
 * ends nothing: it is told once, what is lost meanwhile is counted, and told when lines are taken again.
 */
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { TcpaliveError } from '../errors.js';

export class EventsFile {
  readonly #path: string;
  readonly #onTrouble: (words: string) => void;
  #fd: number | undefined;
  #lost = 0;
  /** The last line has no end: the disk was full in the middle of it. */
  #torn = false;

  /** @throws TcpaliveError CANNOT_WRITE */
  constructor(path: string, onTrouble: (words: string) => void) {
    this.#path = path;
    this.#onTrouble = onTrouble;
    this.#fd = open(path);
  }

  /** @param line ended */
  write(line: string): void {
    if (this.#fd === undefined) return;
    const bytes = Buffer.from(this.#torn ? `\n${line}` : line);
    try {
      const written = writeSync(this.#fd, bytes);
      this.#torn = written > 0 ? written < bytes.length : this.#torn;
      if (written < bytes.length) this.#lose('it takes no more');
      else if (this.#lost > 0) this.#recover();
    } catch (error) {
      this.#lose(codeOf(error));
    }
  }

  /** After it has been moved away: goes on in a new one of that name, or in the old one where there is none. */
  reopen(): void {
    if (this.#fd === undefined) return;
    try {
      const fd = open(this.#path);
      closeSync(this.#fd);
      this.#fd = fd;
      this.#torn = false;
    } catch (error) {
      this.#onTrouble(`${messageOf(error)}: events go on where they went`);
    }
  }

  /** Idempotent. */
  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #lose(why: string): void {
    if (this.#lost++ === 0) {
      this.#onTrouble(`cannot write ${this.#path}: ${why}: events are lost until it takes them`);
    }
  }

  #recover(): void {
    this.#onTrouble(`${this.#path} takes events again: ${this.#lost} were lost`);
    this.#lost = 0;
  }
}

/** Nothing waits for whoever reads a pipe: without a reader it cannot be opened, and full it takes no more. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK;

/** It names peers: not for everybody. */
const PERMISSIONS = 0o640;

function open(path: string): number {
  try {
    return openSync(path, FLAGS, PERMISSIONS);
  } catch (cause) {
    throw new TcpaliveError('CANNOT_WRITE', `cannot write ${path}: ${codeOf(cause)}`, {
      hint: 'name a file that this user may write to',
      cause,
    });
  }
}

function codeOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
