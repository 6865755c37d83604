/**
 * What `protect` does to the sockets of running programs, as one value, `tcpalive/protect/1`:
 * additive, no key is sometimes missing, times are milliseconds.
 */
import type { Moment } from './fate.js';
import type { KeepaliveSettings } from './mode.js';
import type { SocketKeepalive } from './socket.js';
import type { SurveyHost } from './survey.js';

export interface ProtectResult {
  readonly schema: 'tcpalive/protect/1';
  /** False when it was interrupted before every socket had its turn. */
  readonly complete: boolean;
  readonly dryRun: boolean;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly host: SurveyHost;
  readonly wanted: Wanted;
  readonly targets: readonly ProtectTarget[];
  /** Of those that are not left out: listeners first, what changes before what is as wanted. */
  readonly groups: readonly ProtectGroup[];
  /** Sockets that have the wanted setting now and had another; 0 in a dry run. */
  readonly changed: number;
  readonly skipped: readonly Skipped[];
  /** Null: it did not follow. */
  readonly followed: Followed | null;
  /** Null where nothing was changed. */
  readonly undoFile: string | null;
  readonly notes: readonly string[];
}

/** One of the two at least. */
export interface Wanted {
  /** Null: whatever it is. */
  readonly keepalive: KeepaliveSettings | null;
  /** Null: whatever it is. */
  readonly userTimeoutMs: number | null;
}

export const directions = ['accepted', 'both'] as const;

/** `accepted`: not what the program opened itself. Listeners always. */
export type Direction = (typeof directions)[number];

export interface ProtectTarget {
  readonly pid: number;
  /** As it calls itself: text from outside. */
  readonly name: string;
  readonly unit: string | null;
  readonly listeners: number;
  readonly connections: number;
}

type SocketRole = 'listener' | 'connection';

/** Sockets that have the same setting. */
export interface ProtectGroup {
  readonly role: SocketRole;
  /** `NamespaceSeen.id`: another kernel configuration may keep other times. */
  readonly namespace: string;
  readonly sockets: number;
  readonly changes: boolean;
  readonly now: Protection;
  readonly after: Protection;
}

/** A setting, and when a vanished peer is noticed with it: of a listener, on connections to come. */
export interface Protection {
  readonly keepalive: SocketKeepalive;
  /** 0: off. */
  readonly userTimeoutMs: number;
  readonly idle: Moment;
  readonly busy: Moment;
}

export interface Skipped {
  readonly reason: SkipReason;
  readonly sockets: number;
}

export type SkipReason =
  'slow-reader' | 'probes-unanswered' | 'opened' | 'closing' | 'gone' | 'refused';

export interface Followed {
  readonly changed: number;
  /** Of those, connections on which the program had set its own over what they inherited. */
  readonly overridden: number;
}

/** What came of `protect --restore`. */
export interface RestoreResult {
  readonly schema: 'tcpalive/restore/1';
  readonly undoFile: string;
  /** Had other values, and have the old ones now. */
  readonly restored: number;
  /** Had the old values already. */
  readonly unchanged: number;
  readonly gone: number;
  readonly refused: number;
  readonly notes: readonly string[];
}

/** As it goes. */
export type ProtectEvent =
  /** Where the old values are, before the first is changed. */
  | { readonly kind: 'recorded'; readonly undoFile: string }
  | {
      readonly kind: 'progress';
      readonly done: number;
      readonly total: number;
      readonly leftMs: number;
    }
  | { readonly kind: 'following' }
  /** While it follows. */
  | { readonly kind: 'covered'; readonly sockets: number }
  /** Once for each setting that the program gives to what it accepts on that port. */
  | {
      readonly kind: 'overridden';
      readonly port: number;
      readonly keepalive: SocketKeepalive;
      readonly userTimeoutMs: number;
    }
  /** Nobody is left to follow. */
  | { readonly kind: 'targets-gone' };
