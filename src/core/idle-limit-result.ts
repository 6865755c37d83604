/**
 * What is found out about the longest silence that a path survives, `tcpalive/idle-limit/1`. Times are
 * RFC 3339, durations milliseconds.
 */
import type { Capabilities } from './capabilities.js';
import type { KeepaliveSettings } from './mode.js';
import type { ProbeProtocol } from './probe-result.js';
import type { HostFacts } from './result.js';
import type { TlsFacts } from './tls.js';

export interface IdleLimitResult {
  readonly schema: 'tcpalive/idle-limit/1';
  /** False when it was interrupted. */
  readonly complete: boolean;
  readonly startedAt: string;
  readonly durationMs: number;
  readonly host: HostFacts;
  readonly capabilities: Omit<Capabilities, 'namespace'>;
  readonly target: string;
  /** Its address: of several that a name has, the one that every connection went to. */
  readonly measured: string;
  /** All that the name has. */
  readonly addresses: readonly string[];
  /** Null without --tls. */
  readonly tls: TlsFacts | null;
  /** Which was spoken before the silence; null: nothing was said. */
  readonly protocol: ProbeProtocol | null;
  /** The longest silence that was to be tried. */
  readonly waitMs: number;
  /** Opened in all, one after the other or together. */
  readonly connections: number;
  readonly verdict: IdleLimitVerdict;
  readonly keepalive: KeepaliveTrial;
  /** The most that keeps such a path open; `none`: whole seconds are too long for it. */
  readonly safeKeepalive:
    ({ readonly kind: 'settings' } & SafeKeepalive) | { readonly kind: 'none' | 'unknown' };
  /** In the order in which they were decided. */
  readonly trials: readonly IdleTrial[];
  readonly notes: readonly string[];
}

/** Each with the longest silence that was answered, 0 when none was. */
export type IdleLimitVerdict =
  | {
      readonly kind: 'found';
      readonly livedMs: number;
      /** The shortest that was not. */
      readonly lostMs: number;
      readonly how: LossKind;
    }
  /** Somebody said goodbye: the server itself, or something in between. */
  | {
      readonly kind: 'closed';
      readonly livedMs: number;
      readonly afterMs: number;
      readonly by: string;
    }
  /** Nothing was lost. */
  | { readonly kind: 'none'; readonly livedMs: number }
  /** The server does not keep silent: it says something by itself, if only by its own keepalive. */
  | { readonly kind: 'spoken'; readonly livedMs: number; readonly everyMs: number }
  /** Not one silence was answered, the shortest neither. */
  | { readonly kind: 'no-answer'; readonly livedMs: 0; readonly lostMs: number }
  /** Given up before it was known. */
  | { readonly kind: 'unknown'; readonly livedMs: number };

/** `silent`: nothing answers any more. `reset`: whoever is asked answers RST. */
export type LossKind = 'silent' | 'reset';

export interface IdleTrial {
  /** How long the connection was silent when it was asked, or ended. */
  readonly silenceMs: number;
  readonly outcome: IdleOutcome;
}

export type IdleOutcome =
  | { readonly kind: 'lived' }
  | { readonly kind: 'lost'; readonly how: LossKind }
  /** `FIN`, or an errno. */
  | { readonly kind: 'closed'; readonly by: string }
  /** The other end broke the silence. */
  | { readonly kind: 'spoken' };

/** A connection through a silence that others did not survive, with the kernel's keepalive on. */
export type KeepaliveTrial =
  | { readonly kind: 'not-tested' }
  | {
      readonly kind: 'survived' | 'lost';
      readonly settings: KeepaliveSettings;
      /** Without a byte of a program, when it was asked or ended. */
      readonly silenceMs: number;
      /** Of its own probes, before it was asked. */
      readonly answeredProbes: number;
      /** What became of it. */
      readonly outcome: IdleOutcome;
    };

export interface SafeKeepalive extends KeepaliveSettings {
  /** When the first probe leaves at the latest, and the next one, should that be lost. */
  readonly firstProbeMs: number;
  readonly secondProbeMs: number;
}

/** While it runs. */
export type IdleLimitEvent =
  /** The first connection; what else the name stands for. */
  | {
      readonly event: 'opened';
      readonly measured: string;
      readonly addresses: readonly string[];
    }
  /** So many connections are silent from now on, the last one for the longest time. */
  | { readonly event: 'round'; readonly round: number; readonly silencesMs: readonly number[] }
  | ({ readonly event: 'trial' } & IdleTrial)
  | { readonly event: 'keepalive'; readonly settings: KeepaliveSettings }
  | {
      readonly event: 'waiting';
      readonly livedMs: number;
      /** Null: none was lost yet. */
      readonly lostMs: number | null;
      readonly open: number;
      /** Of this round, if nothing is lost in it. */
      readonly leftMs: number;
    };
