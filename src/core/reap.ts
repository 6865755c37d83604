/** Which connections are proven dead, and which are never ended: the rules of `reap`. */
import { isLoopback } from './address.js';
import { formatDuration } from './duration.js';
import type { Endpoint } from './endpoint.js';
import { HELD_BY_NONE, type Connection, type Owner } from './survey.js';

export interface ReapRules {
  /** What is dying must have left something unanswered for that long. */
  readonly afterMs: number;
  readonly session: Session;
}

/** Whoever typed the command: both ends of his connection, and the processes that lead to us. */
export interface Session {
  readonly peers: readonly Endpoint[];
  readonly pids: ReadonlySet<number>;
}

export type ReapVerdict =
  | { readonly kind: 'dead'; readonly evidence: string }
  | { readonly kind: 'kept'; readonly reason: KeptReason };

export type KeptReason =
  | 'loopback'
  | 'own-session'
  | 'no-cookie'
  | 'not-asked'
  | 'no-way-out'
  | 'answered'
  | 'not-dying'
  | 'unanswered-too-briefly'
  | 'unanswered-unknown';

/** What was found of it, and what was done. */
export interface Reaped {
  readonly local: Endpoint;
  readonly peer: Endpoint;
  readonly process: Owner | null;
  readonly cookie: string | null;
  readonly silentMs: number | null;
  readonly unansweredMs: number | null;
  readonly evidence: string;
  readonly outcome: ReapOutcome;
}

export type ReapOutcome =
  | { readonly kind: 'would-end' }
  | { readonly kind: 'ended' }
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
  readonly kept: readonly { readonly reason: KeptReason; readonly connections: number }[];
  /** Null: nothing was to be ended, so nothing was recorded. */
  readonly recordFile: string | null;
  readonly notes: readonly string[];
}

/** @param silentTwice it answered neither of two asks */
export function reapVerdict(
  connection: Connection,
  { afterMs, session }: ReapRules,
  silentTwice: boolean,
): ReapVerdict {
  const { fate, ask, unansweredMs } = connection;
  const never = neverEnded(connection, session);
  if (never !== undefined) return kept(never);
  if (fate.kind === 'forever') {
    if (silentTwice) return { kind: 'dead', evidence: 'silent under two asks' };
    if (ask.kind === 'no-way-out') return kept('no-way-out');
    return kept(ask.kind === 'answers' ? 'answered' : 'not-asked');
  }
  if (fate.kind !== 'dying') return kept('not-dying');
  if (unansweredMs === null) return kept('unanswered-unknown');
  if (unansweredMs < afterMs) return kept('unanswered-too-briefly');
  return { kind: 'dead', evidence: unansweredWords(connection, unansweredMs) };
}

/** Why it is left alone whatever it answers: nobody need ask it. */
export function neverEnded(connection: Connection, session: Session): KeptReason | undefined {
  const { local, peer, cookie } = connection;
  if (isLoopback(local.address) || isLoopback(peer.address)) return 'loopback';
  if (isOfSession(connection, session)) return 'own-session';
  return cookie === null ? 'no-cookie' : undefined;
}

function isOfSession(connection: Connection, { peers, pids }: Session): boolean {
  const { peer } = connection;
  return (
    pids.has(connection.process?.pid ?? HELD_BY_NONE) ||
    peers.some(({ address, port }) => address === peer.address && port === peer.port)
  );
}

function unansweredWords({ timer, retransmissions }: Connection, unansweredMs: number): string {
  const isProbing = timer.kind === 'keepalive' || timer.kind === 'zero-window';
  const time = formatDuration(Math.floor(unansweredMs / 1000) * 1000);
  return `${time} without answer, ${isProbing ? 'probes' : 'retransmissions'}: ${retransmissions}`;
}

function kept(reason: KeptReason): ReapVerdict {
  return { kind: 'kept', reason };
}
