/** From what was seen of each connection to one row of the result. Knows no socket and no clock. */
import { distribution } from './distribution.js';
import type { Hz, Span } from './kernel-timers.js';
import { formatMode, type Mode } from './mode.js';
import type { Observer } from './condition.js';
import type { Prediction } from './predict.js';
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
  readonly observer: Observer;
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

export function judgeRow(outcome: RowOutcome, hz: Hz): RowResult {
  const { plan, notices, waitedMs } = outcome;
  return {
    mode: formatMode(plan.mode),
    load: plan.load,
    fault: plan.fault,
    observer: outcome.observer,
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
    agrees: plan.waited ? agrees(outcome, hz) : null,
    footnotes: outcome.footnotes,
  };
}

/** Whether one latency lies in its prediction, measuring allowed for. */
export function liesIn(latencyMs: number, { min, max }: Span, mode: Mode): boolean {
  return within(latencyMs, { min, max }, 0, measuringMs(mode));
}

function measuringMs({ heartbeat, idleTimeoutMs }: Mode): number {
  const own = heartbeat !== undefined || idleTimeoutMs !== undefined;
  return own ? OWN_MEASURING_MS : KERNEL_MEASURING_MS;
}

/** Whether every connection did what was predicted; null when it was not watched long enough to say. */
function agrees({ plan, notices, connections, waitedMs }: RowOutcome, hz: Hz): boolean | null {
  const { predicted, mode } = plan;
  if (waitedMs === 0) return null;
  if (predicted.kind === 'never') return notices.length === 0;
  const allowanceMs = measuringMs(mode);
  // The kernel keeps the time of the last segment in ticks.
  const tickMs = 1000 / (hz ?? 100);
  const inside = notices.every(
    (notice) =>
      within(notice.fromDropMs, predicted.fromDropMs, 0, allowanceMs) &&
      within(notice.fromLastActivityMs, predicted.fromLastActivityMs, tickMs, allowanceMs + tickMs),
  );
  if (!inside) return false;
  if (notices.length === connections) return true;
  if (waitedMs > predicted.fromDropMs.max + allowanceMs) return false;
  return waitedMs >= plan.waitMs || notices.length > 0 ? true : null;
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
