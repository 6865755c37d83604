/** What the primary and its workers tell each other, over Node's IPC channel. */
import type { ServerCounts } from '../core/server-counts.js';
import type { ServerSnapshot } from '../core/serve-status.js';
import type { SessionsOptions } from './sessions.js';

export type ToWorker =
  | { readonly kind: 'start'; readonly options: SessionsOptions; readonly watchSelf: boolean }
  /** For a snapshot. */
  | { readonly kind: 'ask' }
  /** With a socket, unless that was gone on the way. */
  | { readonly kind: 'take' }
  /** So many sockets until now: what is not there was lost on the way, where no descriptor was left for it. */
  | { readonly kind: 'sent'; readonly sockets: number }
  | { readonly kind: 'drain'; readonly timeoutMs: number }
  /** Reset whoever is left. */
  | { readonly kind: 'close' };

export type FromWorker =
  | { readonly kind: 'ready' }
  /** Of all that it was ever dealt, and of those. */
  | { readonly kind: 'hand'; readonly taken: number; readonly open: number }
  | { readonly kind: 'counts'; readonly counts: ServerCounts }
  | { readonly kind: 'snapshot'; readonly snapshot: ServerSnapshot }
  /** Instead of a snapshot: its stack. */
  | { readonly kind: 'bug'; readonly stack: string }
  /** The last word. */
  | { readonly kind: 'ended'; readonly counts: ServerCounts; readonly stillOpen: number };
