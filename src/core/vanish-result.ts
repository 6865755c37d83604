/** What the audit of a server from outside yields, `tcpalive/vanish/1`. Durations are milliseconds. */
import type { Capabilities } from './capabilities.js';
import type { Prediction } from './predict.js';
import type { ProbeProtocol } from './probe-result.js';
import type { HostFacts } from './result.js';
import type { Estimate, Inference } from './vanish-inference.js';
import type { TlsFacts } from './tls.js';
import type { VanishEngine, VanishEvent } from './vanish-log.js';

export interface VanishResult {
  readonly schema: 'tcpalive/vanish/1';
  /** False when it was interrupted: then nothing is said to be never noticed. */
  readonly complete: boolean;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly host: HostFacts;
  readonly capabilities: Omit<Capabilities, 'namespace'>;
  /** As it was asked for. */
  readonly target: string;
  /** Whoever terminates TCP there: perhaps a load balancer. */
  readonly measured: string;
  /** All that the name has. */
  readonly addresses: readonly string[];
  readonly tls: TlsFacts | null;
  /** Which both connections were spoken to in; null: nothing was said. */
  readonly protocol: ProbeProtocol | null;
  readonly engine: VanishEngine;
  readonly load: 'idle' | 'write';
  readonly waitMs: number;
  readonly watchedMs: number;
  /** What showed that the vanished connection was cut off; nothing: whatever came of it says little. */
  readonly proven: boolean;
  readonly provenBy: VanishProof | null;
  readonly noticed: boolean;
  readonly noticedAfterMs: Inference['noticedAfterMs'];
  readonly how: Inference['how'];
  readonly mechanism: Inference['mechanism'];
  readonly candidates: Inference['candidates'];
  readonly evidence: string;
  readonly inferred: Inference['inferred'];
  readonly quiet: Inference['quiet'];
  /** One each vanished connection, in the order in which they were opened. */
  readonly connections: readonly VanishedConnection[];
  readonly kept: Kept;
  readonly notes: readonly string[];
}

/**
 * `segment`: one of the server's was swallowed. `probe`: the answer to one of ours was. `trial`: the
 * engine was tried on a connection of its own, where a probe of ours went unanswered, and without it not.
 */
export type VanishProof = 'segment' | 'probe' | 'trial';

/**
 * What became of it when the vanishing was lifted and the server's kernel asked: it still holds the
 * connection, knows it no more, or says nothing at all.
 */
export type Lifted = 'held' | 'gone' | 'none' | 'not-lifted';

export interface VanishedConnection extends Pick<
  Inference,
  'noticed' | 'noticedAfterMs' | 'how' | 'mechanism' | 'inferred'
> {
  readonly proven: boolean;
  readonly watchedMs: number;
  readonly lifted: Lifted;
  /** How long data of its own was kept that nobody acknowledged; null: that was not seen. */
  readonly unansweredMs: Estimate | null;
  /** What was seen of it, and of the quiet one: what it was inferred from. */
  readonly events: readonly VanishEvent[];
}

/** What it means for a client: how long this server keeps it. */
export interface Kept {
  /** One that vanishes while nothing is in flight. */
  readonly idle: KeptFor;
  /** One that vanishes before a reply arrives. */
  readonly write: KeptFor;
  /** One whose process hangs while its kernel goes on to acknowledge: the quiet connection. */
  readonly hung: KeptFor;
}

export type KeptFor =
  | { readonly kind: 'measured'; readonly afterMs: Estimate }
  /** Still kept when the watching ended; `prediction`: how long in all, if nothing else comes. */
  | ({ readonly kind: 'longer'; readonly thanMs: number } & Predicted)
  | ({ readonly kind: 'predicted' } & Predicted)
  | { readonly kind: 'unknown'; readonly reason: string };

interface Predicted {
  readonly prediction: Prediction;
  /** Of a server whose kernel is known only by what it did. */
  readonly assuming: string;
}

/** While it runs; `number` counts the vanished connections from 1. */
export type VanishProgress = VanishNews & {
  /** RFC 3339 */
  readonly time: string;
};

export type VanishNews =
  | {
      readonly event: 'opened';
      readonly measured: string;
      readonly addresses: readonly string[];
      readonly tls: TlsFacts | null;
    }
  /** The silence had begun before the server spoke first: all are opened anew. */
  | { readonly event: 'greeted-late' }
  | { readonly event: 'vanished'; readonly number: number; readonly engine: VanishEngine }
  | { readonly event: 'seen'; readonly number: number; readonly seen: VanishEvent }
  | { readonly event: 'proven'; readonly number: number; readonly by: VanishProof }
  | { readonly event: 'lifted'; readonly number: number; readonly answer: Lifted }
  | {
      readonly event: 'watching';
      readonly watchedMs: number;
      readonly waitMs: number;
      /** Of the first. */
      readonly inference: Inference;
    };
