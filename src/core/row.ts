/** What to compare: one row is one mode under one load and fault. */
import type { Fault, Load, Observer } from './condition.js';
import { formatMode, parseMode, type Mode } from './mode.js';
import { periodMs, predict, type Prediction } from './predict.js';
import type { Hz } from './kernel-timers.js';
import type { Sysctls } from './sysctl.js';

export interface RowSpec {
  readonly mode: Mode;
  readonly load: Load;
  readonly fault: Fault;
  /** False: predicted and shown with the kernel's own timer as evidence, but not cut. */
  readonly waited: boolean;
}

export interface RowPlan extends RowSpec {
  readonly predicted: Prediction;
  /** How often a frame keeps the connection busy until its drop; undefined: none is needed. */
  readonly frameEveryMs: number | undefined;
  /** The connections are opened evenly over this time: one drop meets every phase. */
  readonly spanMs: number;
  /** How long it is watched after the drop; 0 when it is not waited for. */
  readonly waitMs: number;
}

/** Between the last opening and the drop: longer than a delayed ACK, so that nothing is in flight. */
export const SETTLE_MS = 250;

/** The phases of a mode without a period, or with one that would not be noticed within the limit. */
const DEFAULT_SPAN_MS = 1000;

/** A verdict that is announced by the peer comes at once; this is time enough to see it. */
const SHORTEST_WAIT_MS = 1000;

/** `none` beside each way to notice, on an idle connection and with an unanswered write. */
export function defaultRows(): readonly RowSpec[] {
  const rows: readonly [string, Load][] = [
    ['none', 'idle'],
    ['none', 'write'],
    ['keepalive=1s:1s:3', 'idle'],
    ['keepalive=1s:1s:3', 'write'],
    ['user-timeout=3s', 'idle'],
    ['user-timeout=3s', 'write'],
    ['keepalive=1s:1s:3+user-timeout=3s', 'write'],
    ['heartbeat=1s:3s', 'idle'],
    ['heartbeat=1s:3s', 'write'],
    ['idle-timeout=3s', 'idle'],
  ];
  return [
    ...rows.map(([mode, load]) => ({
      mode: parseMode(mode),
      load,
      fault: 'blackhole' as const,
      waited: true,
    })),
    { mode: { keepalive: 'system' }, load: 'idle', fault: 'blackhole', waited: false },
  ];
}

/** The distinct modes of the default rows that are waited for. */
export function defaultModes(): readonly Mode[] {
  const modes = new Map(
    defaultRows().map(({ mode, waited }) => [waited ? formatMode(mode) : '', mode]),
  );
  modes.delete('');
  return [...modes.values()];
}

/** Every mode under every load and fault, in that order. */
export function rowsOf(
  modes: readonly Mode[],
  loads: readonly Load[],
  faults: readonly Fault[],
): readonly RowSpec[] {
  return modes.flatMap((mode) =>
    loads.flatMap((load) => faults.map((fault) => ({ mode, load, fault, waited: true }))),
  );
}

export interface PlanConditions {
  readonly observer: Observer;
  readonly limitMs: number;
  readonly sysctls: Sysctls;
  readonly hz: Hz;
}

export function planRow(row: RowSpec, conditions: PlanConditions): RowPlan {
  const { observer, limitMs, sysctls, hz } = conditions;
  const frameEveryMs = busyMs(row.mode);
  const period = periodMs({ mode: row.mode, frameEveryMs }, sysctls) ?? DEFAULT_SPAN_MS;
  const spanMs = period <= limitMs ? period : DEFAULT_SPAN_MS;
  const predicted = predict({
    ...row,
    observer,
    frameEveryMs,
    longestSilenceMs: spanMs + SETTLE_MS,
    sysctls,
    hz,
  });
  const wait = row.waited ? waitMs(predicted, limitMs) : 0;
  return { ...row, predicted, frameEveryMs, spanMs, waitMs: wait };
}

/** Without beats an idle timeout would end a healthy connection: a frame every T/3 keeps it busy. */
function busyMs({ heartbeat, idleTimeoutMs }: Mode): number | undefined {
  return heartbeat === undefined && idleTimeoutMs !== undefined ? idleTimeoutMs / 3 : undefined;
}

/** Up to the longest finite prediction and a tenth, at most the limit. */
function waitMs(predicted: Prediction, limitMs: number): number {
  if (predicted.kind === 'never') return limitMs;
  return Math.min(limitMs, Math.max(SHORTEST_WAIT_MS, predicted.fromDropMs.max * 1.1));
}
