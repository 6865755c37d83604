/** What to compare: one row is one mode under one load and fault. */
import { faultKind, healsAfterMs, type Fault, type Load, type Observer } from './condition.js';
import { alarmShare, pauseAlarmShare } from './tolerance.js';
import { formatMode, parseMode, type Mode } from './mode.js';
import { predict, type Prediction } from './predict.js';
import { periodMs } from './situation.js';
import type { Hz, Span } from './timer-wheel.js';
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
  /** The end that must notice: whoever connects is the client. */
  readonly observer: Observer;
  /** How often a frame keeps the connection busy until its drop; undefined: none is needed. */
  readonly frameEveryMs: number | undefined;
  /** For an outage: at which share of the phases it raises an alarm; null for other faults. */
  readonly alarmShare: Span | null;
  /** The connections are opened evenly over this time: one drop meets every phase. */
  readonly spanMs: number;
  /** How long it is watched after the drop; 0 when it is not waited for. */
  readonly waitMs: number;
  /** How long it takes to see all that may happen; more than `waitMs` where the limit is shorter. */
  readonly neededMs: number;
}

/** Between the last opening and the drop: longer than a delayed ACK, so that nothing is in flight. */
export const SETTLE_MS = 250;

/** From the last opening to any row's drop: settling, the witness, the rows one after the other. */
const DROPPED_WITHIN_MS = 1500;

/** The phases of a mode without a period, or with one that would not be noticed within the limit. */
const DEFAULT_SPAN_MS = 1000;

/** A verdict that is announced by the peer comes at once; this is time enough to see it. */
const SHORTEST_WAIT_MS = 1000;

/** Longer than any mode of ours that is measured, shorter than tcp_retries2. */
const LONG_MS = 600_000;

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
  const waited = defaultRows().filter((row) => row.waited);
  return [...new Map(waited.map(({ mode }) => [formatMode(mode), mode])).values()];
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

/**
 * Why a mode and a load or a fault and a load cannot be put together; undefined: they can.
 * Nobody has connected yet, so nobody beats, is idle or can be stopped.
 */
export function impossible({ mode, load, fault }: RowSpec): string | undefined {
  if (load === 'zero-window' && !['blackhole', 'from-peer', 'to-peer'].includes(fault)) {
    return `the load zero-window has no fault ${fault}: its healthy twins are peers that live and do not read`;
  }
  if (load !== 'connect') return undefined;
  const own = mode.heartbeat !== undefined || mode.idleTimeoutMs !== undefined;
  if (own) return `${formatMode(mode)} begins once it is connected: it has no load connect`;
  if (fault !== 'blackhole') return `the load connect has no fault ${fault}: only blackhole`;
  return undefined;
}

export interface PlanConditions {
  readonly observer: Observer;
  readonly limitMs: number;
  readonly sysctls: Sysctls;
  readonly hz: Hz;
}

export function planRow(row: RowSpec, conditions: PlanConditions): RowPlan {
  const { limitMs, sysctls, hz } = conditions;
  const observer = observerOf(row, conditions.observer);
  const frameEveryMs = busyMs(row.mode);
  const period = periodMs({ mode: row.mode, frameEveryMs }, sysctls) ?? DEFAULT_SPAN_MS;
  const spanMs = period <= limitMs ? period : DEFAULT_SPAN_MS;
  const longestSilenceMs = spanMs + DROPPED_WITHIN_MS;
  const situation = { ...row, observer, frameEveryMs, longestSilenceMs, sysctls, hz };
  const predicted = predict(situation);
  const outage = healsAfterMs(row.fault);
  const paused = faultKind(row.fault) === 'pause';
  const shareOf = paused ? pauseAlarmShare : alarmShare;
  const share = outage === undefined ? null : shareOf(situation, outage);
  const unhealed = { ...situation, fault: paused ? 'freeze' : 'blackhole' } as const;
  const neededMs =
    outage === undefined
      ? waitMs(predicted, limitMs)
      : outage + afterHealingMs(predict(unhealed), outage);
  const wait = row.waited ? Math.min(limitMs, neededMs) : 0;
  return {
    ...row,
    observer,
    predicted,
    alarmShare: share,
    frameEveryMs,
    spanMs,
    waitMs: wait,
    neededMs,
  };
}

/** Whoever connects is the client, whatever was asked for. */
export function observerOf({ load }: Pick<RowSpec, 'load'>, asked: Observer): Observer {
  return load === 'connect' ? 'client' : asked;
}

/** Without beats an idle timeout would end a healthy connection: a frame every T/3 keeps it busy. */
export function busyMs({ heartbeat, idleTimeoutMs }: Mode): number | undefined {
  return heartbeat === undefined && idleTimeoutMs !== undefined ? idleTimeoutMs / 3 : undefined;
}

/**
 * A verdict may still fall as late as if nothing had healed; but what takes tcp_retries2 to come has
 * been answered by the first retransmission afterwards, twice the outage from its beginning.
 */
function afterHealingMs(unhealed: Prediction, outage: number): number {
  const isSoon = unhealed.kind === 'interval' && unhealed.fromDropMs.max < LONG_MS;
  return isSoon ? unhealed.fromDropMs.max * 1.1 : 2 * outage + SHORTEST_WAIT_MS;
}

/** Up to the longest finite prediction and a tenth, at most the limit. */
function waitMs(predicted: Prediction, limitMs: number): number {
  if (predicted.kind !== 'interval') return limitMs;
  return Math.min(limitMs, Math.max(SHORTEST_WAIT_MS, predicted.fromDropMs.max * 1.1));
}
