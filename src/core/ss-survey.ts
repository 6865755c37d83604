/** A survey of another machine, from what its `ss` printed: `ls --from`. */
import { fateOf, orLater, unansweredMs } from './fate-model.js';
import { selects, selectsListener, type Selection } from './selection.js';
import { isListener, unreadOptions } from './socket.js';
import type { SsReading, SsSocket, UnreadLine } from './ss-text.js';
import {
  connectionFrom,
  listenerFrom,
  summarise,
  tallyOf,
  type Connection,
  type Holding,
  type Listener,
  type ProcessNote,
  type Survey,
} from './survey.js';
import { sysctlDefaults } from './sysctl.js';
import { unitOf } from './unit.js';
import { worstFirst } from './worst-first.js';

export interface Pasted {
  readonly reading: SsReading;
  /** Where from. */
  readonly file: string;
  /** RFC 3339: when it was read. */
  readonly readAt: string;
  readonly selection: Selection;
}

export function surveyFromSs({ reading, file, readAt, selection }: Pasted): Survey {
  const connections: Connection[] = [];
  const listeners: Listener[] = [];
  const others: Listener[] = [];
  const processes = new Map<number, ProcessNote>();
  for (const printed of reading.sockets) {
    const { socket, owner } = printed;
    const holding = holdingOf(printed);
    if (owner !== null) {
      const { pid, name } = owner;
      processes.set(pid, { pid, name, unit: holding.unit, fds: null, fdLimit: null });
    }
    if (isListener(socket)) {
      const listener = listenerFrom(socket, holding);
      (selectsListener(selection, listener) ? listeners : others).push(listener);
      continue;
    }
    const fate = orLater(fateOf(socket, holding.options, UNTUNED), printed.expiresLaterMs);
    const connection = connectionFrom(socket, holding, {
      fate,
      unansweredMs: unansweredMs(socket, holding.options, UNTUNED),
    });
    if (selects(selection, connection)) connections.push(connection);
  }
  return {
    schema: 'tcpalive/ls/1',
    complete: true,
    takenAt: readAt,
    host: { kernel: null, hz: null },
    namespaces: [{ id: NAMESPACE, name: file, shown: true }],
    partial: reading.unread.count > 0,
    notes: notesOf(reading),
    processes: summarise([...processes.values()], tallyOf(connections), listeners, others),
    listeners,
    connections: worstFirst(connections),
  };
}

const NAMESPACE = 'file';
const UNREAD = 'ss does not print it';

/** What ss prints says nothing of the kernel that keeps the timers. */
const UNTUNED = { sysctls: sysctlDefaults, orphanRetries: 0, synackRetries: 5, hz: undefined };

function holdingOf({ socket, owner, cgroup }: SsSocket): Holding {
  return {
    process: owner,
    unit: cgroup === null ? null : unitOf(cgroup),
    options: unreadOptions(socket, UNREAD),
    unread: UNREAD,
    namespace: NAMESPACE,
  };
}

function notesOf({ unread, timersTold }: SsReading): readonly string[] {
  const [first] = unread.lines;
  const skipped = first === undefined ? [] : [unreadNote(unread.count, first)];
  return [
    "of that machine's kernel settings nothing is known: times are those of an untuned Linux",
    ...(timersTold ? [] : ['printed without -o: no fate can be told without the timers']),
    ...skipped,
  ];
}

function unreadNote(count: number, { line, reason }: UnreadLine): string {
  return count === 1
    ? `line ${line} could not be read: ${reason}`
    : `${count} lines could not be read, the first is line ${line}: ${reason}`;
}
