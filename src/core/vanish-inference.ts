/** What a vanishing tells of the server. Times are milliseconds since the last word of a connection. */
import type { Span } from './timer-wheel.js';

/**
 * What made the server give a vanished client up.
 * - `keepalive`: its kernel asked, and heard nothing.
 * - `idle-timeout`: its program closes whoever says nothing, reachable or not.
 * - `heartbeat`: its program asks with data, and closes whoever does not answer, reachable or not: a
 *   kernel that acknowledges answers nothing.
 * - `send-timeout`: its program gave up on data that it could not send, after a time or an amount
 *   of it; whoever acknowledges is kept.
 * - `retransmission`: its kernel gave unanswered data up, by its own limit or a user timeout.
 * - `none-seen`: nothing came at all.
 * - `ambiguous`: what came has more than one explanation, or lacks a part of each.
 */
export const MECHANISMS = [
  'keepalive',
  'idle-timeout',
  'heartbeat',
  'send-timeout',
  'retransmission',
  'none-seen',
  'ambiguous',
] as const;

export type MechanismKind = (typeof MECHANISMS)[number];

/** The best value, and the span that holds the true one. */
export interface Estimate extends Span {
  readonly ms: number;
}

export interface Inference {
  /** The server is known to have given the vanished connection up. */
  readonly noticed: boolean;
  /** When it did; null: it did not, as far as is known. */
  readonly noticedAfterMs: Estimate | null;
  /** How it said so; null: it did not notice. `unknown`: goodbyes could not be heard. */
  readonly how: 'RST' | 'FIN' | 'silently' | 'unknown' | null;
  /** So far, while `next` is not `done`. */
  readonly mechanism: MechanismKind;
  /** What it may be when it is ambiguous, otherwise empty. */
  readonly candidates: readonly MechanismKind[];
  /** What that rests on, for a person. */
  readonly evidence: string;
  readonly inferred: InferredSettings;
  readonly quiet: QuietEnd;
  readonly next: NextStep;
}

/** Null: it was not seen, or is not certain; what is not in `settings` is not to be expected. */
export interface InferredSettings {
  /** Which of them the mechanism has, or one of its candidates. */
  readonly settings: readonly SettingName[];
  /** Silence until the first probe, beat or data of its own, or until an idle timeout closes. */
  readonly idleMs: Estimate | null;
  /** Between two probes, beats or data of its own. */
  readonly intervalMs: Estimate | null;
  /** Unanswered probes until keepalive gives up. */
  readonly count: number | null;
}

export type SettingName = 'idleMs' | 'intervalMs' | 'count';

/** What became of the connection that stayed reachable. */
export type QuietEnd = QuietSegments &
  (
    | { readonly kind: 'open' }
    | { readonly kind: 'closed'; readonly by: 'RST' | 'FIN'; readonly afterMs: Estimate }
  );

interface QuietSegments {
  /** Segments without data. */
  readonly probes: number;
  readonly dataSegments: number;
}

/** What whoever watches does now. */
export type NextStep =
  /** The answer stays as it is, whatever comes. */
  | { readonly kind: 'done' }
  | {
      readonly kind: 'watch';
      /** By then silence alone changes the answer; null: it never does. */
      readonly changesAtMs: number | null;
      /** When the server is to give up, if what was seen goes on; null: nothing tells. */
      readonly end: { readonly min: number; readonly max: number | null } | null;
    }
  /** Nothing more is to be expected: lift the vanishing and ask the server's kernel. */
  | { readonly kind: 'lift' };
