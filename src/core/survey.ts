/**
 * What lingers on a host: one value, `tcpalive/ls/1`, that every reporter reads. Additive: keys are
 * added and never renamed, and no key is sometimes missing. Times are milliseconds.
 */
import type { Endpoint } from './endpoint.js';
import { fateKinds, type Fate, type FateKind } from './fate.js';
import type { IdleSockets } from './idle-sockets.js';
import type { HostSocket, SocketKeepalive, SocketOptions, SocketTimer } from './socket.js';

export interface Survey {
  readonly schema: 'tcpalive/ls/1';
  /** False when it was interrupted. */
  readonly complete: boolean;
  /** RFC 3339, UTC: when the kernel was asked. What a fate says counts from then. */
  readonly takenAt: string;
  readonly host: SurveyHost;
  /** What was looked at, and what was not. */
  readonly namespaces: readonly NamespaceSeen[];
  /** The kernel's table changed while it was read, more often than was retried: a socket may be missing or twice. */
  readonly partial: boolean;
  readonly notes: readonly string[];
  readonly processes: readonly ProcessSummary[];
  readonly listeners: readonly Listener[];
  /** The worst first. */
  readonly connections: readonly Connection[];
}

/** What there are not tens of thousands of. */
export type SurveyFacts = Omit<Survey, 'connections'>;

/** Where connections go of which there may be tens of thousands. */
export interface ConnectionSink {
  add(connection: Connection): void;
}

/** The same of those that differ from another in their ends, descriptor, silence, receive queue and cookie alone. */
export interface AlikeSink extends ConnectionSink {
  /** Does not add it. @returns by which number it is known */
  like(connection: Connection): number;
  /**
   * @param likes by which number that is known which each of `idle` is like
   * @param fds of their processes, where they have any
   */
  addAlike(idle: IdleSockets, likes: Uint32Array, fds: Uint32Array): void;
}

export interface SurveyHost {
  /** Null: read from a file, that says nothing of it. */
  readonly kernel: string | null;
  /** Ticks a second; null where the kernel does not tell. */
  readonly hz: number | null;
}

export interface NamespaceSeen {
  /** As the kernel names it, `net:[4026531840]`; `file` for what was read from one. */
  readonly id: string;
  /** How a person would: `host`, of ip-netns(8), a process, or the file. */
  readonly name: string;
  readonly shown: boolean;
}

export interface Connection {
  readonly local: Endpoint;
  readonly peer: Endpoint;
  readonly state: string;
  /** Null: none holds it, or none that we may look at; `notes` say which. */
  readonly process: Owner | null;
  /** systemd unit or container; null where there is none. */
  readonly unit: string | null;
  /** Since anything was received; null where the kernel does not tell. */
  readonly silentMs: number | null;
  /** For how long something has been unanswered, at least; null: nothing is, or it cannot be told. */
  readonly unansweredMs: number | null;
  readonly timer: SocketTimer;
  readonly retransmissions: number;
  readonly sendQueueBytes: number;
  readonly receiveQueueBytes: number;
  readonly keepalive: SocketKeepalive;
  /** 0: off; null: it could not be read, and `optionsUnread` says why. */
  readonly userTimeoutMs: number | null;
  /** Null: its options are known. */
  readonly optionsUnread: string | null;
  readonly fate: Fate;
  readonly ask: Ask;
  readonly userId: number;
  /** The kernel's own name for it; null where it was not told. */
  readonly cookie: string | null;
  /** Of the interface that it is bound to; 0: none. */
  readonly interfaceIndex: number;
  /** `NamespaceSeen.id`. */
  readonly namespace: string;
}

export interface Owner {
  readonly pid: number;
  /** As it calls itself: text from outside. */
  readonly name: string;
  readonly fd: number;
}

/** What one keepalive probe brought. */
export type Ask =
  | { readonly kind: 'answers' }
  | { readonly kind: 'silent' }
  /** Answered with an RST, or closed by its program meanwhile: it is no more. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'not-asked'; readonly reason: string }
  /** Nothing that was asked can have left this host, or nothing was: silence would prove nothing. */
  | { readonly kind: 'no-way-out'; readonly reason: string };

export interface Listener {
  readonly local: Endpoint;
  readonly process: Owner | null;
  readonly unit: string | null;
  /** Connections that wait to be accepted, and how many may. */
  readonly waiting: number;
  readonly backlog: number;
  readonly keepalive: SocketKeepalive;
  readonly userTimeoutMs: number | null;
  /** Null: its options are known. */
  readonly optionsUnread: string | null;
  readonly userId: number;
  readonly cookie: string | null;
  readonly namespace: string;
}

export interface ProcessSummary {
  readonly pid: number;
  readonly name: string;
  readonly unit: string | null;
  /** Of its listeners. */
  readonly ports: readonly number[];
  readonly connections: number;
  readonly byFate: Readonly<Record<FateKind, number>>;
  /** Null where this user may not look. */
  readonly fds: number | null;
  readonly fdLimit: number | null;
}

/** Who holds a socket, and what could be read of it for that. */
export interface Holding {
  readonly process: Owner | null;
  readonly unit: string | null;
  readonly options: SocketOptions;
  /** Why what is unknown of them could not be read; null: all is known. */
  readonly unread: string | null;
  readonly namespace: string;
}

export function connectionFrom(
  socket: HostSocket,
  holding: Holding,
  { fate, unansweredMs }: Pick<Connection, 'fate' | 'unansweredMs'>,
): Connection {
  const { options, unit, namespace } = holding;
  return {
    local: socket.local,
    peer: socket.peer,
    state: socket.state,
    process: holding.process,
    unit,
    silentMs: socket.info?.silentMs ?? null,
    unansweredMs,
    timer: socket.timer,
    retransmissions: socket.retransmissions,
    sendQueueBytes: socket.sendQueueBytes,
    receiveQueueBytes: socket.receiveQueueBytes,
    keepalive: options.keepalive,
    userTimeoutMs: options.userTimeoutMs,
    optionsUnread: holding.unread,
    fate,
    ask: NOT_ASKED,
    userId: socket.userId,
    cookie: socket.cookie,
    interfaceIndex: socket.interfaceIndex,
    namespace,
  };
}

const NOT_ASKED: Ask = { kind: 'not-asked', reason: 'without --ask' };

export function listenerFrom(socket: HostSocket, holding: Holding): Listener {
  const { options, unit, namespace } = holding;
  return {
    local: socket.local,
    process: holding.process,
    unit,
    waiting: socket.receiveQueueBytes,
    backlog: socket.sendQueueBytes,
    keepalive: options.keepalive,
    userTimeoutMs: options.userTimeoutMs,
    optionsUnread: holding.unread,
    userId: socket.userId,
    cookie: socket.cookie,
    namespace,
  };
}

/** What is known of a process beside its sockets. */
export type ProcessNote = Pick<ProcessSummary, 'pid' | 'name' | 'unit' | 'fds' | 'fdLimit'>;

/**
 * Of those that hold any of these; the one with most of the worst fate first.
 * @param others listeners that were not selected: a process listens on their ports all the same
 */
export function summarise(
  processes: readonly ProcessNote[],
  connections: Tally,
  listeners: readonly Listener[],
  others: readonly Listener[],
): readonly ProcessSummary[] {
  const ports = new Map(processes.map(({ pid }) => [pid, new Set<number>()]));
  for (const listener of [...listeners, ...others]) {
    ports.get(listener.process?.pid ?? HELD_BY_NONE)?.add(listener.local.port);
  }
  const listening = new Set(listeners.map((each) => each.process?.pid ?? HELD_BY_NONE));
  return processes
    .map((note) => {
      const byFate = connections.of(note.pid);
      return {
        ...note,
        ports: [...(ports.get(note.pid) ?? [])].toSorted((a, b) => a - b),
        connections: fateKinds.reduce((total, kind) => total + byFate[kind], 0),
        byFate,
      };
    })
    .filter((each) => each.connections > 0 || listening.has(each.pid))
    .toSorted(worseProcess);
}

/** Connections by the process that holds them, and by fate. */
export class Tally {
  readonly #byPid = new Map<number, Record<FateKind, number>>();

  /** @param count of connections of the same process and fate */
  add(connection: Connection, count = 1): void {
    const pid = connection.process?.pid;
    if (pid === undefined) return;
    let counts = this.#byPid.get(pid);
    if (counts === undefined) this.#byPid.set(pid, (counts = noFates()));
    counts[connection.fate.kind] += count;
  }

  of(pid: number): Readonly<Record<FateKind, number>> {
    return this.#byPid.get(pid) ?? noFates();
  }
}

export function tallyOf(connections: readonly Connection[]): Tally {
  const tally = new Tally();
  for (const connection of connections) tally.add(connection);
  return tally;
}

/** In the place of a process: none has that number. */
export const HELD_BY_NONE = -1;

function worseProcess(a: ProcessSummary, b: ProcessSummary): number {
  for (const kind of fateKinds) {
    const more = b.byFate[kind] - a.byFate[kind];
    if (more !== 0) return more;
  }
  return a.pid - b.pid;
}

export function countByFate(
  connections: readonly Pick<Connection, 'fate'>[],
): Readonly<Record<FateKind, number>> {
  const counts = noFates();
  for (const { fate } of connections) counts[fate.kind]++;
  return counts;
}

function noFates(): Record<FateKind, number> {
  return Object.fromEntries(fateKinds.map((kind) => [kind, 0])) as Record<FateKind, number>;
}
