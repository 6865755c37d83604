/**
 * What is done to others, on the disk before it is done: a new file of lines, for its owner alone.
 * Whatever an append was given has reached the disk when it returns.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { TcpaliveError } from '../errors.js';

export interface Journal {
  /** Text that ends with a newline. @throws TcpaliveError NO_CAPABILITY */
  append(lines: string): void;
  /** Idempotent. */
  close(): void;
}

/**
 * In a folder that is made if need be.
 * @throws TcpaliveError BAD_USAGE where it exists, NO_CAPABILITY where it cannot be written
 */
export function openJournal(path: string): Journal {
  attempt(path, () => makeFolder(dirname(path)));
  const fd = attempt(path, () => openNew(path));
  attempt(path, () => syncFolder(dirname(path)));
  let isOpen = true;
  return {
    append(lines) {
      // Its descriptor may be another one's by now.
      if (!isOpen) throw new Error(`${path} is closed`);
      attempt(path, () => {
        writeFully(fd, lines);
        fsyncSync(fd);
      });
    },
    close() {
      if (isOpen) closeSync(fd);
      isOpen = false;
    },
  };
}

/** Of the XDG Base Directory Specification, which ignores a relative one. */
export function stateFolder(variables: Readonly<Record<string, string | undefined>>): string {
  const { XDG_STATE_HOME: state = '', HOME: home = '' } = variables;
  if (isAbsolute(state)) return join(state, 'tcpalive');
  return join(isAbsolute(home) ? home : homedir(), '.local', 'state', 'tcpalive');
}

/** A new one in that folder, named after what it is of, the moment and this process: two at once do not meet. */
export function journalPath(
  variables: Readonly<Record<string, string | undefined>>,
  kind: 'protect' | 'reap',
): string {
  const moment = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  return join(stateFolder(variables), `${kind}-${moment}-${process.pid}.jsonl`);
}

/** Node's own `recursive` never comes back from where nothing can be made, such as /proc. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path) throw error;
    makeFolder(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}

function openNew(path: string): number {
  try {
    return openSync(path, 'ax', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new TcpaliveError('BAD_USAGE', `${path} exists: a record is never overwritten`, {
      hint: 'name another one',
    });
  }
}

function attempt<T>(path: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof TcpaliveError) throw error;
    const { code = 'it cannot be opened' } = error as NodeJS.ErrnoException;
    throw new TcpaliveError('NO_CAPABILITY', `cannot write ${path}: ${code}`, {
      hint: 'nothing is changed without a record on the disk: name another place for it, or set XDG_STATE_HOME',
      cause: error,
    });
  }
}

/** One call may write less than it was given. */
function writeFully(fd: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}

/** The name of a new file is in its folder. */
function syncFolder(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
