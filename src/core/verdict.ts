/** From what was seen of each connection to one row of the result. Knows no socket and no clock. */
import { faultKind, healsAfterMs, stillAcknowledges } from './condition.js';
import { distribution } from './distribution.js';
import type { Hz, Span } from './timer-wheel.js';
import { formatMode, type Mode } from './mode.js';
import type { Prediction } from './predict.js';
import { proportion } from './proportion.js';
import type { DropResult, Lingering, RowResult } from './result.js';
import type { RowPlan } from './row.js';

/** One dropped connection's end, as its observer saw it. */
export interface Notice {
  readonly fromDropMs: number;
  readonly fromLastActivityMs: number;
  readonly by: string;
}

/** One connection that was still there at the end, by the kernel's own word. */
export type Evidence = Omit<Lingering, 'count' | 'dies'>;

export interface RowOutcome {
  readonly plan: RowPlan;
  readonly connections: number;
  readonly drop: DropResult | null;
  /** How long it was really watched: less than planned after an interruption. */
  readonly waitedMs: number;
  readonly notices: readonly Notice[];
  readonly evidence: readonly Evidence[];
  readonly healthy: RowResult['healthy'];
  readonly packetsPerHour: number | null;
  readonly footnotes: readonly string[];
}

/**
 * What measuring itself may add to a verdict: the event loop's turn, and for the kernel's verdicts
 * the way from its timer to our error event.
 */
const KERNEL_MEASURING_MS = 60;
const OWN_MEASURING_MS = 50;

/** A watch may end this much early, by its timer's rounding. */
const WATCH_SHORT_MS = 50;

export function judgeRow(outcome: RowOutcome, hz: Hz): RowResult {
  const { plan, notices, waitedMs } = outcome;
  return {
    mode: formatMode(plan.mode),
    load: plan.load,
    fault: plan.fault,
    observer: plan.observer,
    connections: outcome.connections,
    drop: outcome.drop,
    predicted: plan.predicted,
    measured: {
      waited: plan.waited,
      waitedMs: Math.round(waitedMs),
      noticed: notices.length,
      fromDropMs: distribution(notices.map((notice) => notice.fromDropMs)) ?? null,
      fromLastActivityMs: distribution(notices.map((notice) => notice.fromLastActivityMs)) ?? null,
    },
    by: countBy(notices.map((notice) => notice.by)),
    lingering: groupEvidence(outcome.evidence, plan.predicted),
    healthy: outcome.healthy,
    packetsPerHour: outcome.packetsPerHour,
    descriptors: null,
    alarms: alarmsOf(outcome),
    agrees: plan.waited ? agrees(outcome, hz) : null,
    footnotes: [...methodNotes(plan), ...outcome.footnotes],
  };
}

/** Whether one latency lies in its prediction, measuring allowed for. */
export function liesIn(latencyMs: number, { min, max }: Span, mode: Mode): boolean {
  return within(latencyMs, { min, max }, beatLateMs(mode), measuringMs(mode));
}

/** A beat that left late makes the silence before the drop longer, and the latency that much shorter. */
function beatLateMs({ heartbeat, idleTimeoutMs }: Mode): number {
  return heartbeat !== undefined || idleTimeoutMs !== undefined ? OWN_MEASURING_MS : 0;
}

function measuringMs({ heartbeat, idleTimeoutMs }: Mode): number {
  const own = heartbeat !== undefined || idleTimeoutMs !== undefined;
  return own ? OWN_MEASURING_MS : KERNEL_MEASURING_MS;
}

/** Whether every connection did what was predicted; null when it was not watched long enough to say. */
function agrees(outcome: RowOutcome, hz: Hz): boolean | null {
  const { plan, notices, connections, waitedMs } = outcome;
  const { predicted, mode } = plan;
  if (waitedMs === 0 || outcome.drop?.proven === false) return null;
  const wasWatched = waitedMs >= Math.min(plan.waitMs, plan.neededMs) - WATCH_SHORT_MS;
  const isOver =
    wasWatched && (plan.waitMs >= plan.neededMs || healsAfterMs(plan.fault) === undefined);
  if (predicted.kind === 'never') {
    if (notices.length > 0) return false;
    return isOver ? true : null;
  }
  if (predicted.kind === 'unknown') return isOver ? agreesInShare(outcome) : null;
  const allowanceMs = measuringMs(mode);
  // The kernel keeps the time of the last segment in ticks.
  const tickMs = 1000 / (hz ?? 100);
  const inside = notices.every(
    (notice) =>
      within(notice.fromDropMs, predicted.fromDropMs, beatLateMs(mode), allowanceMs) &&
      within(
        notice.fromLastActivityMs,
        predicted.fromLastActivityMs,
        Math.max(tickMs, plan.load === 'idle' ? 0 : beatLateMs(mode)),
        allowanceMs + tickMs,
      ),
  );
  if (!inside) return false;
  if (notices.length === connections) return true;
  if (waitedMs > predicted.fromDropMs.max + allowanceMs) return false;
  return wasWatched ? true : null;
}

/** Who notices a network that heals, or that loses only some, alarms about a connection that lives. */
function alarmsOf({ plan, notices, connections }: RowOutcome): RowResult['alarms'] {
  const kind = faultKind(plan.fault);
  const lives = kind === 'outage' || kind === 'pause' || kind === 'loss';
  if (!lives || connections === 0 || !plan.waited) return null;
  return { measured: proportion(notices.length, connections), predicted: plan.alarmShare };
}

/** At chance phases it is the share that is predicted: the bounds of both must meet. */
function agreesInShare(outcome: RowOutcome): boolean | null {
  const { measured, predicted } = alarmsOf(outcome) ?? {};
  if (measured === undefined || predicted === undefined || predicted === null) return null;
  return measured.low <= predicted.max && measured.high >= predicted.min;
}

/** The check of the method itself. */
function methodNotes({ fault, mode }: RowPlan): readonly string[] {
  const kernels = mode.keepalive !== undefined || mode.userTimeoutMs !== undefined;
  if (!kernels || !stillAcknowledges(fault)) return [];
  return [
    `${faultKind(fault)} still acknowledges: it says nothing about a peer whose network is gone`,
  ];
}

function within(value: number, span: Span, beforeMs: number, afterMs: number): boolean {
  return value >= span.min - beforeMs && value <= span.max + afterMs;
}

/** Connections in the same condition, counted together. */
export function groupEvidence(
  evidence: readonly Evidence[],
  dies: Prediction,
): readonly Lingering[] {
  const groups = new Map<string, Lingering>();
  for (const each of evidence) {
    const key = `${each.state} ${each.timer} ${each.retransmissions} ${each.sendQueueBytes}`;
    const known = groups.get(key);
    groups.set(key, {
      ...each,
      count: (known?.count ?? 0) + 1,
      expiresInMs: soonest(known?.expiresInMs ?? null, each.expiresInMs),
      dies,
    });
  }
  return [...groups.values()];
}

function soonest(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

function countBy(causes: readonly string[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const cause of causes) counts[cause] = (counts[cause] ?? 0) + 1;
  return counts;
}
