/**
 * What lingers on a host: one value, `tcpalive/ls/1`, that every reporter reads. Additive: keys are
 * added and never renamed, and no key is sometimes missing. Times are milliseconds.
 */
import type { Endpoint } from './endpoint.js';
import { fateKinds, type Fate, type FateKind } from './fate.js';
import type { SocketKeepalive, SocketTimer } from './socket.js';

export interface Survey {
  readonly schema: 'tcpalive/ls/1';
  /** False when it was interrupted. */
  readonly complete: boolean;
  /** RFC 3339, UTC. */
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
  readonly timer: SocketTimer;
  readonly retransmissions: number;
  readonly sendQueueBytes: number;
  readonly receiveQueueBytes: number;
  readonly keepalive: SocketKeepalive;
  /** 0: off; null: it could not be read, and `keepalive.reason` says why. */
  readonly userTimeoutMs: number | null;
  readonly fate: Fate;
  readonly ask: Ask;
  readonly userId: number;
  /** The kernel's own name for it; null where it was not told. */
  readonly cookie: string | null;
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
  | { readonly kind: 'not-asked'; readonly reason: string };

export interface Listener {
  readonly local: Endpoint;
  readonly process: Owner | null;
  readonly unit: string | null;
  /** Connections that wait to be accepted, and how many may. */
  readonly waiting: number;
  readonly backlog: number;
  readonly keepalive: SocketKeepalive;
  readonly userTimeoutMs: number | null;
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

export function countByFate(
  connections: readonly Pick<Connection, 'fate'>[],
): Record<FateKind, number> {
  const counts = Object.fromEntries(fateKinds.map((kind) => [kind, 0])) as Record<FateKind, number>;
  for (const { fate } of connections) counts[fate.kind]++;
  return counts;
}

/** The worst fate first, within it the longest silence; what the kernel says nothing of comes last. */
export function worstFirst(connections: readonly Connection[]): readonly Connection[] {
  const rank = Object.fromEntries(fateKinds.map((kind, at) => [kind, at])) as Record<
    FateKind,
    number
  >;
  return connections.toSorted(
    (a, b) => rank[a.fate.kind] - rank[b.fate.kind] || (b.silentMs ?? -1) - (a.silentMs ?? -1),
  );
}
