/** `--ask`: first what an interrupted ask left behind, then the asking, and a survey that knows. */
import { readdirSync, readFileSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { countedReasons } from '../core/counted-reasons.js';
import type { Ask, Connection, Survey } from '../core/survey.js';
import { msBetween } from '../core/time.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import { ask, type AskRequest } from './ask.js';
import { putBack } from './ask-options.js';
import { stateFolder } from './journal.js';
import { reach } from './reach.js';
import { openUndo, readUndo, type UndoFile } from './undo.js';
import type { UndoEntry } from './undo-format.js';

type Variables = Readonly<Record<string, string | undefined>>;

export interface AskAboutRequest extends Pick<AskRequest, 'waitMs' | 'interruption' | 'only'> {
  readonly variables: Variables;
  /** Progress: a line of text, at most one a second. */
  readonly tell: (line: string) => void;
}

/** The same survey, each connection that has no timer with what it answered. */
export async function askAbout(
  kernel: Kernel,
  survey: Survey,
  { variables, tell, ...request }: AskAboutRequest,
): Promise<Survey> {
  const path = join(stateFolder(variables), recordName(kernel));
  const undo = whenNeeded(path);
  const onAsked = throttled(tell);
  let result;
  try {
    result = await ask(kernel, survey.connections, { ...request, undo, onAsked });
  } finally {
    undo.close();
  }
  const { answers, leftChanged } = result;
  if (leftChanged > 0) tell(`the options of ${leftChanged} are still those of an ask: ${path}`);
  else if (undo.isOpened()) unlinkSync(path);
  const asked = (connection: Connection) => answers.get(connection) ?? connection.ask;
  return {
    ...survey,
    complete: survey.complete && !request.interruption.aborted,
    notes: [...survey.notes, ...askNotes(answers.values())],
    connections: survey.connections.map((each) => ({ ...each, ask: asked(each) })),
  };
}

/** `12 not asked: eth0 has no carrier`, of each reason. */
function askNotes(asks: Iterable<Ask>): readonly string[] {
  const reasons = [...asks].flatMap((each) => ('reason' in each ? each.reason : []));
  return countedReasons('not asked', reasons);
}

/**
 * Puts back what asks that were killed have left changed. To be called before a survey is taken: an
 * ask under way looks like keepalive. What cannot be put back is told, and never in the way.
 */
export function putBackLeftovers(
  kernel: Kernel,
  variables: Variables,
  tell: (line: string) => void,
): void {
  const folder = stateFolder(variables);
  for (const path of recordsOfKilled(kernel, folder)) {
    try {
      const outcomes = [...putBackAll(kernel, entriesOf(path)).values()];
      const refused = outcomes.filter(({ kind }) => kind === 'refused').length;
      const changed = outcomes.filter((outcome) => outcome.kind === 'done' && outcome.value);
      if (changed.length > 0) {
        tell(`put back the options of ${changed.length} that an interrupted ask had left changed`);
      }
      if (refused === 0) unlinkSync(path);
      else tell(`the options of ${refused} may not be put back by this user: ${path}`);
    } catch (error) {
      // A record of somebody else's, or of no ask of ours; a bug has no code.
      if (!(error instanceof Error && 'code' in error)) throw error;
      tell(`cannot put back what an interrupted ask had left changed: ${error.message}`);
    }
  }
}

/** For those who only look. */
export function tellOfLeftovers(
  kernel: Kernel,
  variables: Variables,
  tell: (line: string) => void,
): void {
  if (recordsOfKilled(kernel, stateFolder(variables)).length === 0) return;
  tell('an interrupted ask has left options changed: tcpalive ls --ask puts them back');
}

function putBackAll(kernel: Kernel, entries: readonly UndoEntry[]) {
  const bySocket = new Map(entries.map((entry) => [entry.cookie, entry]));
  return reach(kernel, [...bySocket.values()], (fd, { values }) => putBack(kernel, fd, values));
}

/** None where nothing can have been changed under it, or where that is no more. */
function entriesOf(path: string): readonly UndoEntry[] {
  // Killed before its first line was whole.
  if (!readFileSync(path, 'utf8').includes('\n')) return [];
  try {
    return readUndo(path);
  } catch (error) {
    // The machine was started anew since, and with it every socket.
    if (error instanceof TcpaliveError && error.code === 'NO_TARGET') return [];
    throw error;
  }
}

const RECORD = /^ask-(\d+)-(\d+)\.jsonl$/;

/** With when we started: a process number is given away again. */
function recordName(kernel: Kernel): string {
  return `ask-${process.pid}-${kernel.processFacts(process.pid)?.startedAtTicks ?? 0}.jsonl`;
}

function recordsOfKilled(kernel: Kernel, folder: string): readonly string[] {
  return namesIn(folder).flatMap((name) => {
    const [, pid, startedAtTicks] = RECORD.exec(name) ?? [];
    if (pid === undefined) return [];
    const startedAt = kernel.processFacts(Number(pid))?.startedAtTicks;
    const isAskingNow = startedAt === Number(startedAtTicks) && Number(pid) !== process.pid;
    return isAskingNow ? [] : [join(folder, name)];
  });
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    // Nobody has ever asked.
    return [];
  }
}

/** Where there is nobody to ask nothing is written. */
function whenNeeded(path: string): UndoFile & { readonly isOpened: () => boolean } {
  let file: UndoFile | undefined;
  return {
    append(entries) {
      if (entries.length === 0) return;
      file ??= openUndo(path);
      file.append(entries);
    },
    close: () => file?.close(),
    isOpened: () => file !== undefined,
  };
}

const TELL_EVERY_MS = 1000;

function throttled(tell: (line: string) => void): AskRequest['onAsked'] {
  let toldAt = monotonicNow();
  return (asked, of) => {
    const now = monotonicNow();
    if (asked < of && msBetween(toldAt, now) < TELL_EVERY_MS) return;
    toldAt = now;
    tell(`asked ${asked} of ${of}`);
  };
}
