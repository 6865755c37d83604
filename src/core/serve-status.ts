/**
 * What a server knows of itself, `tcpalive/serve-status/1`. A snapshot is one process's and plain data: that
 * of a worker travels to whoever answers for all of them.
 */
import { sumCounts, type ServerCounts } from './server-counts.js';

export interface ServerSnapshot {
  readonly pid: number;
  readonly uptimeMs: number;
  /** In the mode grammar. */
  readonly mode: string;
  readonly connections: ConnectionStates;
  /** Null: as many as there are descriptors. */
  readonly maxConnections: number | null;
  /** At the limit somebody makes room; otherwise nobody else gets in. */
  readonly evict: boolean;
  /** Of those that are open; null: none is. */
  readonly longestSilenceMs: number | null;
  /** What waits for peers that do not read. */
  readonly unsentBytes: number;
  /** Memory that is its own at the moment; null: not told, as when no descriptor is left. */
  readonly residentBytes: number | null;
  readonly counts: ServerCounts;
  readonly descriptors: Descriptors;
  readonly loopDelayMs: { readonly p99: number; readonly max: number };
  readonly accept: AcceptHealth;
}

/** Each connection is in one of them, the first that holds from the end. */
export interface ConnectionStates {
  /** Heard of lately. */
  readonly active: number;
  /** Nothing received for longer than usual. */
  readonly silent: number;
  /** Something waits for a peer that does not read. */
  readonly unread: number;
  /** It has ended, and the last that was written is still on its way. */
  readonly closing: number;
}

/** Null: the system does not tell. */
interface Descriptors {
  readonly open: number | null;
  readonly limit: number | null;
}

/** Whether whoever connects is accepted, as a connection of our own found out now and then. */
export interface AcceptHealth {
  /** `unknown`: it was not tried yet, or somebody else accepts. */
  readonly kind: 'works' | 'fails' | 'unknown';
  /** Why it fails; null otherwise. */
  readonly reason: string | null;
  readonly failures: number;
}

export interface ServeStatus extends Omit<ServerSnapshot, 'pid' | 'mode' | 'connections'> {
  readonly schema: 'tcpalive/serve-status/1';
  readonly time: string;
  /** Empty: it is healthy. */
  readonly problems: readonly string[];
  /** It is about to end: it serves whom it has, and lets nobody in. */
  readonly draining: boolean;
  readonly connections: {
    readonly open: number;
    readonly byState: ConnectionStates;
    readonly byMode: Readonly<Record<string, number>>;
  };
  /** One a process; without workers one. */
  readonly workers: readonly ServerSnapshot[];
}

export interface WholeServer {
  /** How many there are: who hangs has no snapshot. */
  readonly processes?: number | undefined;
  readonly draining?: boolean;
}

export function mergeSnapshots(
  snapshots: readonly ServerSnapshot[],
  time: string,
  { processes = 1, draining = false }: WholeServer = {},
): ServeStatus {
  const sum = (of: (each: ServerSnapshot) => number) =>
    snapshots.reduce((so, each) => so + of(each), 0);
  const states = snapshots.map(({ connections }) => connections);
  return {
    schema: 'tcpalive/serve-status/1',
    time,
    draining,
    problems: [
      ...(draining ? ['it is draining: nobody is let in any more'] : []),
      ...silence(processes - snapshots.length, processes),
      ...snapshots.flatMap(problemsOf),
    ],
    uptimeMs: Math.max(0, ...snapshots.map(({ uptimeMs }) => uptimeMs)),
    connections: {
      open: states.reduce((so, each) => so + openIn(each), 0),
      byState: added([NOBODY, ...states]),
      byMode: added(snapshots.map(({ mode, connections }) => ({ [mode]: openIn(connections) }))),
    },
    maxConnections: sumOrNull(snapshots.map(({ maxConnections }) => maxConnections)),
    evict: snapshots.every(({ evict }) => evict),
    longestSilenceMs: maxOrNull(snapshots.map(({ longestSilenceMs }) => longestSilenceMs)),
    unsentBytes: sum(({ unsentBytes }) => unsentBytes),
    residentBytes: sumOrNull(snapshots.map(({ residentBytes }) => residentBytes)),
    counts: sumCounts(snapshots.map(({ counts }) => counts)),
    descriptors: {
      open: sumOrNull(snapshots.map(({ descriptors }) => descriptors.open)),
      limit: sumOrNull(snapshots.map(({ descriptors }) => descriptors.limit)),
    },
    loopDelayMs: {
      p99: Math.max(0, ...snapshots.map(({ loopDelayMs }) => loopDelayMs.p99)),
      max: Math.max(0, ...snapshots.map(({ loopDelayMs }) => loopDelayMs.max)),
    },
    accept: mergedAccept(snapshots.map(({ accept }) => accept)),
    workers: snapshots,
  };
}

function openIn({ active, silent, unread, closing }: ConnectionStates): number {
  return active + silent + unread + closing;
}

const NOBODY: ConnectionStates = { active: 0, silent: 0, unread: 0, closing: 0 };

function silence(missing: number, of: number): readonly string[] {
  return missing <= 0 ? [] : [`${missing} of ${of} workers do not answer`];
}

/** Why somebody who connects now may not be let in. */
function problemsOf(snapshot: ServerSnapshot): readonly string[] {
  const { pid, maxConnections, evict, accept, descriptors } = snapshot;
  const open = openIn(snapshot.connections);
  const problems: string[] = [];
  if (accept.kind === 'fails') {
    problems.push(`process ${pid} accepts nobody: ${accept.reason ?? 'no reason known'}`);
  }
  if (maxConnections !== null && open >= maxConnections && !evict) {
    problems.push(`process ${pid} is full: ${open} of ${maxConnections} connections are open`);
  }
  if (
    descriptors.open !== null &&
    descriptors.limit !== null &&
    descriptors.open >= descriptors.limit
  ) {
    problems.push(
      `process ${pid} has no descriptor left: ${descriptors.open} of ${descriptors.limit} are open`,
    );
  }
  return problems;
}

function mergedAccept(each: readonly AcceptHealth[]): AcceptHealth {
  const failures = each.reduce((sum, accept) => sum + accept.failures, 0);
  const [first] = (['fails', 'works', 'unknown'] as const).flatMap((kind) =>
    each.filter((accept) => accept.kind === kind),
  );
  return { kind: first?.kind ?? 'unknown', reason: first?.reason ?? null, failures };
}

/** Key by key. */
function added<Counts extends object>(each: readonly Counts[]): Counts {
  const sums = new Map<string, number>();
  for (const counts of each) {
    for (const [key, count] of Object.entries(counts) as [string, number][]) {
      sums.set(key, (sums.get(key) ?? 0) + count);
    }
  }
  return Object.fromEntries(sums) as Counts;
}

/** Null where any is not known. */
function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.reduce((sum, value) => (sum === null || value === null ? null : sum + value), 0);
}

function maxOrNull(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}
