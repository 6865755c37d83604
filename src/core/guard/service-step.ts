/** What is told to a guarded service, what is to be done about it then, and what it is doing meanwhile. */
import type { Instant } from '../time.js';
import type { ServiceNews, SurvivorNews } from './guard-log.js';
import type { Sign } from './sign.js';

export type ServiceInput =
  | { readonly kind: 'begin' | 'tick' }
  /** It is not started again, whatever becomes of it. */
  | { readonly kind: 'retire' }
  | { readonly kind: 'end' }
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'start-failed'; readonly code: string; readonly reason: string }
  /** @param ear `beats`, `systemd`, or the address of a check */
  | { readonly kind: 'sign'; readonly ear: string; readonly sign: Sign }
  | { readonly kind: 'followed'; readonly pid: number; readonly refusal: string | undefined }
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: string | null }
  | {
      readonly kind: 'stopped';
      readonly by: 'already' | 'TERM' | 'KILL';
      readonly tookMs: number;
      readonly survivors: readonly SurvivorNews[];
      readonly diagnosticFailed: string | undefined;
    }
  /** The restart addresses were called, or the command run. */
  | { readonly kind: 'acted'; readonly failure: string | undefined };

export type ServiceAction =
  | { readonly kind: 'start' }
  /** The child and all that it has started; also what an ended one has left behind. */
  | { readonly kind: 'stop'; readonly diagnose: boolean }
  /** It stops, and asks for more time before SIGKILL. */
  | { readonly kind: 'extend'; readonly until: Instant }
  | { readonly kind: 'act' }
  | { readonly kind: 'follow'; readonly pid: number }
  /** Our own fault: the silence is counted anew. */
  | { readonly kind: 'late'; readonly lateMs: number }
  | { readonly kind: 'tell'; readonly news: ServiceNews };

/** How it was lost. */
export type Down =
  | { readonly kind: 'dead'; readonly by: string; readonly reason: string | null }
  | { readonly kind: 'exited'; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: 'start-failed'; readonly reason: string };

export type ServiceState =
  | 'idle'
  | 'launching'
  | 'starting'
  | 'alive'
  /** And nothing is done about it. */
  | 'dead'
  | 'stopping'
  /** For its next start. */
  | 'waiting'
  /** Restart addresses are called. */
  | 'acting'
  | 'gave-up'
  | 'ended';
