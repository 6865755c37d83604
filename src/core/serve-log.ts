import type { LockOut } from './lock-out.js';
import type { RejectionCause } from './server-counts.js';

/** What `serve` reports: one entry an event, `tcpalive/serve/1`. Times are RFC 3339 and milliseconds. */
export type ServeEntry =
  | {
      readonly event: 'listening';
      readonly time: string;
      readonly schema: 'tcpalive/serve/1';
      readonly address: string;
      readonly mode: string;
      readonly framing: string;
      readonly pid: number;
    }
  | (OfWorker & { readonly event: 'worker-started' })
  /** With so many connections; another one is started. */
  | (OfWorker & {
      readonly event: 'worker-lost';
      readonly reason: string;
      readonly connections: number;
    })
  | RestartEntry
  /** Nobody can connect to this process any more; who is connected is served to the end. */
  | (OfProcess & {
      readonly event: 'draining';
      readonly connections: number;
      readonly timeoutMs: number;
    })
  | ServeLimit
  | { readonly event: 'status'; readonly time: string; readonly address: string }
  | (OfConnection & {
      readonly event: 'opened';
      /** The kernel's part of the mode as read back from this socket, in the mode grammar. */
      readonly settings: string;
    })
  | (OfConnection & { readonly event: 'frame'; readonly bytes: number; readonly beat: boolean })
  /** A frame for whose delayed reply there was no more room. */
  | (OfConnection & { readonly event: 'unanswered' })
  | (OfConnection & { readonly event: 'silent'; readonly silentMs: number })
  | (OfConnection & { readonly event: 'noticed'; readonly by: string; readonly silentMs: number })
  | (OfConnection & {
      readonly event: 'closed';
      /** What ended it; `violation` when it broke the framing. */
      readonly by: string;
      /** What was wrong with a violation; null otherwise. */
      readonly reason: string | null;
      readonly frames: number;
      /** Received, and of no frame. */
      readonly skippedBytes: number;
      readonly lifetimeMs: number;
    })
  /** Whoever connects is accepted no more, or again. */
  | {
      readonly event: 'accept';
      readonly time: string;
      readonly works: boolean;
      /** Why not; null otherwise. */
      readonly reason: string | null;
    }
  | {
      readonly event: 'refused';
      readonly time: string;
      /** Null: there are no workers, or none was asked. */
      readonly worker: number | null;
      readonly peer: string;
      readonly cause: RejectionCause;
      readonly reason: string;
    }
  /** So many entries about connections before this one: whoever reads them does not keep up. */
  | { readonly event: 'untold'; readonly time: string; readonly entries: number }
  | ServeSummary;

/** What comes of a restart, also told to whoever asked for it. */
export type RestartEntry =
  /** The next version starts; this one goes on. */
  | (OfProcess & {
      readonly event: 'restarting';
      /** 0: it could not even be started. */
      readonly successor: number;
      /** So long it may take, and whoever asked has to wait. */
      readonly readyTimeoutMs: number;
    })
  /** It serves now, and this one takes nobody in any more. */
  | (OfProcess & { readonly event: 'restarted'; readonly successor: number })
  /** This one goes on, as if nothing had happened. */
  | (OfProcess & { readonly event: 'restart-failed'; readonly reason: string })
  /** There can be one at a time. */
  | (OfProcess & { readonly event: 'restart-refused'; readonly reason: string });

/** What would lock everybody out: told beforehand. */
export interface ServeLimit extends LockOut {
  readonly event: 'limit';
  readonly time: string;
  readonly connections: number;
  /** Null: as many as there are places. */
  readonly perAddress: number | null;
  readonly evict: boolean;
}

interface OfProcess {
  readonly time: string;
  readonly pid: number;
}

interface OfWorker extends OfProcess {
  readonly worker: number;
}

interface OfConnection {
  readonly time: string;
  /** Its numbers are its own; null: there are no workers. */
  readonly worker: number | null;
  readonly connection: number;
  readonly peer: string;
}

export interface ServeSummary {
  readonly event: 'summary';
  readonly time: string;
  readonly durationMs: number;
  readonly connections: number;
  readonly refused: number;
  readonly frames: number;
  readonly skippedBytes: number;
  /** Still open at the end. */
  readonly open: number;
  /** How many connections each cause ended. */
  readonly endedBy: Readonly<Record<string, number>>;
}
