import type { Endpoint } from '../core/endpoint.js';
import type { Frames } from '../core/framing/frames.js';
import type { Mode } from '../core/mode.js';
import type { AcceptHealth } from '../core/serve-status.js';
import type { RejectionCause } from '../core/server-counts.js';
import type { Instant } from '../core/time.js';
import type { Connection, Ending } from './connection.js';

/** What an echo server tells, in the order in which it happened. */
export type EchoServerEvent =
  | (OfConnection & {
      readonly kind: 'opened';
      /** The kernel's part of the mode, as read back from this socket. */
      readonly settings: Mode;
    })
  | (OfConnection & {
      /** What was read at once. */
      readonly kind: 'frames';
      readonly frames: Frames;
      readonly at: Instant;
    })
  | (OfConnection & { readonly kind: 'silent'; readonly silentMs: number })
  | (OfConnection & { readonly kind: 'ended'; readonly ending: Ending })
  /** A frame whose delayed reply found no more room. */
  | (OfConnection & { readonly kind: 'unanswered' })
  | (OfConnection & { readonly kind: 'closed'; readonly frames: number })
  /** Whoever connects is accepted no more, or again. */
  | { readonly kind: 'accept'; readonly health: AcceptHealth }
  | {
      readonly kind: 'refused';
      readonly remote: Endpoint;
      readonly cause: RejectionCause;
      readonly reason: string;
    };

interface OfConnection {
  readonly id: number;
  readonly connection: Connection;
}
