/** What a probe of one server yields, `tcpalive/probe/1`. Times are RFC 3339, durations milliseconds. */
import type { Capabilities } from './capabilities.js';
import type { Distribution } from './distribution.js';
import type { Prediction } from './predict.js';
import type { DropEngine, HostFacts } from './result.js';
import type { TlsFacts } from './tls.js';

export interface ProbeResult {
  readonly schema: 'tcpalive/probe/1';
  /** False when it was interrupted. */
  readonly complete: boolean;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly host: HostFacts;
  readonly capabilities: Omit<Capabilities, 'namespace'>;
  readonly target: string;
  /** All that the target's name has; none when it was never connected. */
  readonly addresses: readonly string[];
  /** The one of the last connection, with its port. */
  readonly remote: string | null;
  /** Null without --tls. */
  readonly tls: TlsFacts | null;
  readonly mode: string;
  /** What beats were sent in; null: there were none, or they were the kernel's own and no byte was sent. */
  readonly protocol: ProbeProtocol | null;
  /** More than one with --reconnect; where each beat takes its own, they count as one. */
  readonly connections: number;
  readonly beats: {
    readonly sent: number;
    readonly answered: number;
    /** Of the last 100,000 answers at most. */
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
  | {
      readonly kind: 'closed';
      readonly by: string;
      readonly afterMs: number;
      /** Of a violation: what was wrong. */
      readonly detail: string | null;
    }
  /** The last beats, each on a connection of its own, were not, and we left before the timeout. */
  | {
      readonly kind: 'unanswered';
      /** Since the last answer. */
      readonly afterMs: number;
      /** Of a beat that had no connection: what was wrong. */
      readonly detail: string | null;
    }
  /** Not one beat was answered: perhaps alive, in another language. */
  | {
      readonly kind: 'no-answer';
      /** What ended the wait: the peer's `FIN` or `ECONNRESET`, our detector, or null when we left. */
      readonly by: string | null;
      readonly afterMs: number;
      /** Of a violation, or of a beat that had no connection: what was wrong. */
      readonly detail: string | null;
    };

export interface ProbeProtocol {
  readonly name: string;
  /** From the port. */
  readonly guessed: boolean;
}

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

/** While it runs; `time` is RFC 3339. */
export type ProbeEvent =
  | {
      readonly event: 'connected';
      readonly time: string;
      readonly local: string;
      readonly remote: string;
      readonly settings: string;
      readonly addresses: readonly string[];
      readonly tls: TlsFacts | null;
      readonly protocol: ProbeProtocol | null;
      /** Who is asked: the program there, its kernel alone, or nobody. */
      readonly asked: 'process' | 'kernel' | 'nobody';
    }
  | {
      readonly event: 'beat';
      readonly time: string;
      readonly number: number;
      /** Null: the kernel answered, in its own ticks; its round trip is in `kernel`. */
      readonly rttMs: number | null;
      readonly kernel: ProbeKernelView | null;
    }
  /** A mode without beats: only the kernel's view, once a second. */
  | { readonly event: 'quiet'; readonly time: string; readonly kernel: ProbeKernelView | null }
  | {
      readonly event: 'unanswered';
      readonly time: string;
      readonly number: number;
      readonly kernel: ProbeKernelView | null;
    }
  /** A beat that takes its own connection had none. */
  | {
      readonly event: 'failed';
      readonly time: string;
      readonly number: number;
      readonly reason: string;
    }
  | {
      readonly event: 'dropped';
      readonly time: string;
      readonly engine: DropEngine;
      readonly predicted: Prediction;
    }
  | { readonly event: 'ended'; readonly time: string; readonly verdict: ProbeVerdict }
  | {
      readonly event: 'reconnecting';
      readonly time: string;
      readonly afterMs: number;
      readonly reason: string;
    };
