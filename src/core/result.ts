/**
 * What a comparison yields: one value, `tcpalive/compare/1`, that every reporter reads. Additive:
 * keys are added and never renamed, and no key is sometimes missing. Times are milliseconds.
 */
import type { Capabilities } from './capabilities.js';
import type { Fault, Load, Observer } from './condition.js';
import type { Distribution } from './distribution.js';
import type { Prediction } from './predict.js';
import type { Proportion } from './proportion.js';
import type { Sysctls } from './sysctl.js';
import type { Span } from './timer-wheel.js';

export interface ComparisonResult {
  readonly schema: 'tcpalive/compare/1';
  /** False when the run was interrupted: rows hold what was known by then. */
  readonly complete: boolean;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly host: HostFacts;
  readonly capabilities: Capabilities;
  readonly namespace: 'private' | 'host';
  readonly limitMs: number;
  /** The observer's own event-loop delay from the drop on. */
  readonly loopDelayMs: { readonly p99: number; readonly max: number };
  readonly notes: readonly string[];
  readonly rows: readonly RowResult[];
}

export interface HostFacts {
  readonly kernel: string;
  readonly node: string;
  /** Ticks a second; null where the kernel does not tell. */
  readonly hz: number | null;
  readonly congestionControl: string | null;
  readonly sysctl: Sysctls;
}

export interface RowResult {
  readonly mode: string;
  readonly load: Load;
  readonly fault: Fault;
  readonly observer: Observer;
  readonly connections: number;
  /** Null: this fault drops nothing, or the row was not waited for, or interrupted before its drop. */
  readonly drop: DropResult | null;
  readonly predicted: Prediction;
  readonly measured: {
    /** False: predicted only, no drop was made. */
    readonly waited: boolean;
    /** How long it was watched after the drop. */
    readonly waitedMs: number;
    readonly noticed: number;
    readonly fromDropMs: Distribution | null;
    readonly fromLastActivityMs: Distribution | null;
  };
  /** How often each cause noticed: an errno, `FIN`, `heartbeat` or `idle-timeout`. */
  readonly by: Readonly<Record<string, number>>;
  readonly lingering: readonly Lingering[];
  readonly healthy: { readonly connections: number; readonly falseAlarms: number };
  /** Null where no healthy connection was watched long enough to count. */
  readonly packetsPerHour: number | null;
  /** Null outside scenarios that count descriptors. */
  readonly descriptors: null;
  /**
   * Where the network heals (outage) or loses only some (loss), whoever notices alarms about a
   * connection that lives: how many do, beside what the model says. Null for other faults.
   */
  readonly alarms: AlarmShare | null;
  /** Whether every figure lies in its predicted interval; null: nothing to compare. */
  readonly agrees: boolean | null;
  readonly footnotes: readonly string[];
}

export interface AlarmShare {
  readonly measured: Proportion;
  /** Of all phases; null where the model does not say (loss). */
  readonly predicted: Span | null;
}

export interface DropResult {
  readonly engine: DropEngine;
  /** Every connection's segments were seen to be swallowed, in both directions. */
  readonly proven: boolean;
  /** Data segments that reached the observer after the drop, all connections together. */
  readonly deliveredSegments: number;
  /** The longest time between cutting the observer's end (t = 0) and the peer's. */
  readonly cutGapMs: number;
}

export type DropEngine = 'socket-filter' | 'min-ttl';

/** Connections that were still there at the end, in the same condition by the kernel's own word. */
export interface Lingering {
  readonly count: number;
  readonly state: string;
  readonly timer: TimerName;
  /** Until the kernel's next timer, the soonest of the group; null: none is armed. */
  readonly expiresInMs: number | null;
  readonly retransmissions: number;
  readonly sendQueueBytes: number;
  readonly dies: Prediction;
}

export type TimerName =
  'none' | 'retransmit' | 'keepalive' | 'zero-window' | 'time-wait' | 'other' | 'unknown';
