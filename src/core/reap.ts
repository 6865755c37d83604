/** Which connections are proven dead, and which are never closed: the rules of `reap`. */
import { isLoopback } from './address.js';
import type { Endpoint } from './endpoint.js';
import type { Connection, Owner } from './survey.js';

export interface ReapRules {
  /** What is dying must have been silent that long. */
  readonly afterMs: number;
  /** Of our own session: both ends of its connection, and the processes that lead to us. */
  readonly session: Session;
}

export interface Session {
  readonly peers: readonly Endpoint[];
  readonly pids: ReadonlySet<number>;
}

export type ReapVerdict =
  | { readonly kind: 'dead'; readonly evidence: string }
  | { readonly kind: 'kept'; readonly reason: string };

/** What was found of it, and what was done. */
export interface Reaped {
  readonly local: Endpoint;
  readonly peer: Endpoint;
  readonly process: Owner | null;
  readonly cookie: string | null;
  readonly silentMs: number | null;
  readonly evidence: string;
  readonly outcome: ReapOutcome;
}

export type ReapOutcome =
  | { readonly kind: 'would-close' }
  | { readonly kind: 'closed' }
  /** Since it was looked at. */
  | { readonly kind: 'gone' }
  | { readonly kind: 'answered' }
  /** Before it was come to. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'refused'; readonly reason: string };

export interface ReapResult {
  readonly schema: 'tcpalive/reap/1';
  readonly complete: boolean;
  readonly takenAt: string;
  readonly dryRun: boolean;
  readonly connections: readonly Reaped[];
  /** Why the others that were selected are left alone. */
  readonly kept: Readonly<Record<string, number>>;
  /** Null: nothing was closed, so nothing was recorded. */
  readonly recordFile: string | null;
  readonly notes: readonly string[];
}

/** @param silentTwice it answered neither of two asks */
export function reapVerdict(
  connection: Connection,
  { afterMs, session }: ReapRules,
  silentTwice: boolean,
): ReapVerdict {
  const { local, peer, fate, silentMs, cookie } = connection;
  const owner = connection.process;
  if (isLoopback(local.address) || isLoopback(peer.address)) return kept('loopback');
  const isOurs =
    (owner !== null && session.pids.has(owner.pid)) ||
    session.peers.some(({ address, port }) => address === peer.address && port === peer.port);
  if (isOurs) return kept('of this very session');
  if (cookie === null) return kept('without a cookie it cannot be told from its successor');
  if (fate.kind === 'forever') {
    return silentTwice
      ? { kind: 'dead', evidence: 'silent under two asks' }
      : kept('no timer: dead or merely quiet; --ask twice settles it');
  }
  if (fate.kind !== 'dying') return kept(`not dying but ${fate.kind}`);
  if (silentMs === null) return kept('dying, and how long it has been silent is unknown');
  if (silentMs < afterMs) return kept('dying, but silent for less than --after');
  const { retransmissions, timer } = connection;
  const what =
    timer.kind === 'keepalive' || timer.kind === 'zero-window' ? 'probes' : 'retransmissions';
  return { kind: 'dead', evidence: `${what} unanswered: ${retransmissions}` };
}

function kept(reason: string): ReapVerdict {
  return { kind: 'kept', reason };
}
