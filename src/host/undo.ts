/**
 * What was changed on other programs' sockets, so that it can be brought back, also after a crash:
 * a line is on the disk before its socket is touched.
 */
import { readFileSync } from 'node:fs';
import { sameKeepalive } from '../core/mode.js';
import { TcpaliveError } from '../errors.js';
import { thisBoot } from '../kernel/host-facts.js';
import type { Kernel } from '../kernel/kernel.js';
import type { OptionValues } from '../kernel/socket-view.js';
import { openJournal } from './journal.js';
import { reach } from './reach.js';
import { parseUndo, undoLine, type UndoEntry } from './undo-format.js';

export interface UndoFile {
  /** Returns when they are on the disk. @throws TcpaliveError NO_CAPABILITY */
  append(entries: readonly UndoEntry[]): void;
  /** Idempotent. */
  close(): void;
}

/** @throws TcpaliveError BAD_USAGE where it exists, NO_CAPABILITY where it cannot be written */
export function openUndo(path: string): UndoFile {
  const journal = openJournal(path);
  const header = { schema: 'tcpalive/undo/1' as const, createdAt: new Date().toISOString() };
  journal.append(undoLine({ ...header, bootId: thisBoot() }));
  return {
    append: (entries) => journal.append(entries.map(undoLine).join('')),
    close: () => journal.close(),
  };
}

/**
 * @throws TcpaliveError BAD_USAGE where it cannot be read, or a line is none of ours; NO_TARGET
 * where the machine was started anew since, and with it every socket
 */
export function readUndo(path: string): readonly UndoEntry[] {
  const { header, entries } = parseUndo(read(path), path);
  if (header.bootId === thisBoot()) return entries;
  throw new TcpaliveError(
    'NO_TARGET',
    `${path} is of ${header.createdAt}, and this machine was started anew since, or is another one`,
    { hint: 'nothing is left to restore: the sockets that were changed are gone' },
  );
}

export interface Restored {
  /** Had other values, and has the old ones now. */
  readonly restored: number;
  /** Had the old values already. */
  readonly unchanged: number;
  readonly gone: number;
  readonly refused: number;
}

/** Brings the old values back, of each socket the last that were recorded. */
export function restore(kernel: Kernel, entries: readonly UndoEntry[]): Restored {
  const bySocket = new Map(entries.map((entry) => [entry.cookie, entry]));
  const outcomes = reach(kernel, [...bySocket.values()], (fd, { values }) => {
    if (sameValues(kernel.optionValues(fd), values)) return 'unchanged';
    kernel.setOptionValues(fd, values);
    return 'restored';
  });
  const counts = { restored: 0, unchanged: 0, gone: 0, refused: 0 };
  for (const outcome of outcomes.values()) {
    counts[outcome.kind === 'done' ? outcome.value : outcome.kind]++;
  }
  return counts;
}

export function sameValues(a: OptionValues, b: OptionValues): boolean {
  return a.keepalive === b.keepalive && sameKeepalive(a, b) && a.userTimeoutMs === b.userTimeoutMs;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'it cannot be opened' } = error as NodeJS.ErrnoException;
    throw new TcpaliveError('BAD_USAGE', `cannot read ${path}: ${code}`, { cause: error });
  }
}
