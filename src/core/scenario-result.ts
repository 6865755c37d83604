/** What a played scenario yields, `tcpalive/scenario/1`: one row a mode. Times are milliseconds. */
import type { Capabilities } from './capabilities.js';
import type { Checked } from './comparator.js';
import type { DropEngine, HostFacts } from './result.js';
import type { ScenarioFacts } from './scenario-check.js';

export interface ScenarioResult {
  readonly schema: 'tcpalive/scenario/1';
  /** False when it was interrupted: nothing was checked then. */
  readonly complete: boolean;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  readonly name: string;
  readonly story: string;
  readonly host: HostFacts;
  readonly capabilities: Capabilities;
  readonly namespace: 'private' | 'host';
  readonly notes: readonly string[];
  readonly rows: readonly ScenarioRow[];
}

export interface ScenarioRow extends ScenarioFacts {
  readonly mode: string;
  /** How often each cause ended a cut connection on the server. */
  readonly by: Readonly<Record<string, number>>;
  /** Which connection was the first to be refused, counted from 1; null: none was. */
  readonly firstRefused: number | null;
  /** Of the server process; null: as many as the lab inherits. */
  readonly descriptorLimit: number | null;
  /** Null: nothing was cut. */
  readonly drop: {
    readonly engine: DropEngine;
    readonly cuts: number;
    readonly proven: number;
  } | null;
  readonly checks: readonly Checked[];
}
