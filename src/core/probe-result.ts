/** What a probe of one server yields, `tcpalive/probe/1`. Times are RFC 3339, durations milliseconds. */
import type { Distribution } from './distribution.js';
import type { Prediction } from './predict.js';
import type { DropEngine } from './result.js';

export interface ProbeResult {
  readonly schema: 'tcpalive/probe/1';
  /** False when it was interrupted. */
  readonly complete: boolean;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly target: string;
  readonly mode: string;
  /** More than one with --reconnect. */
  readonly connections: number;
  readonly beats: {
    readonly sent: number;
    readonly answered: number;
    readonly rttMs: Distribution | null;
  };
  /** Of the last connection. */
  readonly verdict: ProbeVerdict;
  /** How many connections were found dead or were closed, the last one included. */
  readonly lost: number;
  /** Null without --drop-after. */
  readonly drop: ProbeDrop | null;
  /** How long this connection would have stayed with no mode at all. */
  readonly withoutMode: { readonly idle: Prediction; readonly write: Prediction };
  /** The kernel's last word on the connection; null where it does not tell. */
  readonly kernel: ProbeKernelView | null;
  readonly notes: readonly string[];
}

export type ProbeVerdict =
  | { readonly kind: 'alive' }
  | {
      readonly kind: 'dead';
      /** What noticed: `heartbeat`, `idle-timeout` or an errno. */
      readonly by: string;
      /** Between these two moments it went silent: heard from, and not heard any more. */
      readonly lastHeardAt: string;
      readonly firstUnansweredAt: string | null;
      readonly noticedAt: string;
      readonly silentMs: number;
      readonly where: SilentParty;
    }
  | { readonly kind: 'closed'; readonly by: string; readonly afterMs: number }
  /** Not one beat was answered: perhaps alive, in another language. */
  | { readonly kind: 'no-answer'; readonly afterMs: number };

/**
 * `kernel`: not even our segments are acknowledged (host, path or firewall state). `process`: the
 * kernel acknowledges and the process does not answer (hung, or a relay in between).
 */
export type SilentParty = 'kernel' | 'process' | 'unknown';

export interface ProbeDrop {
  readonly engine: DropEngine;
  readonly at: string;
  /** Segments swallowed after the cut: the drop is proven when there is one. */
  readonly swallowedSegments: number;
  readonly proven: boolean;
  readonly predicted: Prediction;
  /** Null: not noticed. */
  readonly noticedAfterMs: number | null;
  /** Whether that lies in the prediction; null: not watched long enough to say. */
  readonly agrees: boolean | null;
}

export interface ProbeKernelView {
  readonly state: string;
  readonly rttMs: number;
  readonly retransmissions: number;
  readonly unacknowledgedSegments: number;
  readonly lastReceivedMs: number;
}

/** While it runs; `at` is RFC 3339. */
export type ProbeEvent =
  | {
      readonly kind: 'connected';
      readonly at: string;
      readonly local: string;
      readonly remote: string;
      readonly settings: string;
    }
  | {
      readonly kind: 'beat';
      readonly at: string;
      readonly number: number;
      readonly rttMs: number;
      readonly kernel: ProbeKernelView | null;
    }
  /** A mode without beats: only the kernel's view, once a second. */
  | { readonly kind: 'quiet'; readonly at: string; readonly kernel: ProbeKernelView | null }
  | {
      readonly kind: 'unanswered';
      readonly at: string;
      readonly number: number;
      readonly kernel: ProbeKernelView | null;
    }
  | {
      readonly kind: 'dropped';
      readonly at: string;
      readonly engine: DropEngine;
      readonly predicted: Prediction;
    }
  | { readonly kind: 'ended'; readonly at: string; readonly verdict: ProbeVerdict }
  | {
      readonly kind: 'reconnecting';
      readonly at: string;
      readonly afterMs: number;
      readonly reason: string;
    };
