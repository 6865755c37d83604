/**
 * How a comparison runs, told in order: open every connection, let them settle, drop, watch, read
 * the evidence. Runs in the observer's process, whose own station holds the ends that must notice;
 * the peers are processes of their own, so a stopped one does not stop the clock.
 */
import type { Hz } from '../core/timer-wheel.js';
import { faultKind } from '../core/condition.js';
import { formatMode } from '../core/mode.js';
import type { ComparisonEvent, PlannedRow, RowEvent } from '../core/progress.js';
import type { DropEngine, RowResult } from '../core/result.js';
import { SETTLE_MS, type RowPlan } from '../core/row.js';
import { addMs } from '../core/time.js';
import { judgeRow } from '../core/verdict.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import { orInterrupted, pause } from '../kernel/interruption.js';
import { watchLoop, type LoopDelay } from '../net/loop-delay.js';
import type { StartPeer } from './peer.js';
import { witness, type Witness } from './proof.js';
import { RowRun } from './row-run.js';
import { Station, type ConnectionId } from './station.js';

export interface ComparisonSetting {
  readonly rows: readonly RowPlan[];
  /** In each row, and as many healthy twins. */
  readonly connections: number;
  /** Null where no row drops anything. */
  readonly engine: DropEngine | null;
  readonly hz: Hz;
}

export interface ComparisonOutcome {
  /** False after an interruption. */
  readonly complete: boolean;
  readonly rows: readonly RowResult[];
  readonly loopDelayMs: LoopDelay;
}

/** What an experiment is given to work with. */
export interface Lab {
  readonly kernel: Kernel;
  readonly startPeer: StartPeer;
  readonly interruption: AbortSignal;
}

/**
 * Each fills megabytes of kernel memory, and that of all sockets of the host is limited together
 * (net.ipv4.tcp_mem): beyond it nobody's segments get through.
 */
const MOST_BLOCKED = 5;

const REPORT_EVERY_MS = 100;

/** All rows dropped in one turn would keep the observer's own loop busy while it should listen. */
const ROW_SPACING_MS = 20;

export async function runComparison(
  { kernel, startPeer, interruption }: Lab,
  setting: ComparisonSetting,
  onEvent: (event: ComparisonEvent) => void,
): Promise<ComparisonOutcome> {
  const runOf = new Map<ConnectionId, RowRun>();
  const station = new Station(kernel, (event) => runOf.get(event.id)?.take(event));
  const shared = await startPeer();
  let nextId: ConnectionId = 1;
  const take = (count: number) => Array.from({ length: count }, () => nextId++);
  const throwAway = take(1);

  const runs = await Promise.all(
    setting.rows.map(async (plan, index) => {
      const wanted = connectionsOf(plan, setting.connections);
      const ids = take(plan.waited ? wanted : 1);
      const twins = take(plan.waited ? wanted : 0);
      const ownPeer =
        ['freeze', 'pause'].includes(faultKind(plan.fault)) || plan.load === 'connect';
      const peer = ownPeer ? await startPeer() : shared;
      const relay = plan.fault === 'relay' ? await startPeer() : undefined;
      const { engine } = setting;
      const report = (event: RowEvent) => onEvent({ ...event, row: index });
      const run = new RowRun(
        { kernel, plan, ids, twins, station, peer, twinPeer: shared, relay, engine },
        report,
      );
      for (const id of [...ids, ...twins]) runOf.set(id, run);
      return run;
    }),
  );
  onEvent({ kind: 'planned', rows: runs.map(({ plan, ids }) => planned(plan, ids.length)) });

  const reports = setInterval(() => runs.forEach((run) => run.reportActivity()), REPORT_EVERY_MS);
  try {
    onEvent({ kind: 'stage', text: `opening ${nextId - 1} connections` });
    const longestSpanMs = Math.max(...runs.map((run) => run.plan.spanMs));
    const dropExpectedAt = addMs(monotonicNow(), longestSpanMs + SETTLE_MS);
    await orInterrupted(
      Promise.all(runs.map((run) => run.open(longestSpanMs, dropExpectedAt, interruption))),
      interruption,
    );
    await pause(SETTLE_MS, interruption);
    const witnessed: Witness =
      setting.engine === null || interruption.aborted
        ? { fromPeer: false, toPeer: false }
        : await witness(station, shared.station, throwAway, setting.engine);

    const loop = watchLoop();
    await Promise.all(runs.map((run, index) => run.watch(index * ROW_SPACING_MS, interruption)));
    const complete = !interruption.aborted;
    const rows = runs.map((run) => judgeRow(run.outcome(witnessed), setting.hz));
    return { complete, rows, loopDelayMs: loop.stop() };
  } finally {
    clearInterval(reports);
    await Promise.all([station.clear(), shared.station.clear(undefined)]);
  }
}

function connectionsOf({ load }: RowPlan, wanted: number): number {
  return load === 'zero-window' ? Math.min(wanted, MOST_BLOCKED) : wanted;
}

function planned(plan: RowPlan, connections: number): PlannedRow {
  const { load, fault, predicted, waitMs } = plan;
  return { mode: formatMode(plan.mode), load, fault, connections, predicted, waitMs };
}
