/** What has been seen of a running comparison: a reducer over its events. Times are since the drop. */
import type { ComparisonEvent, PlannedRow } from '../core/progress.js';
import { printable } from './printable.js';

export interface Lanes {
  /** What is being done, in words, until the first row is dropped. */
  readonly stage: string;
  readonly lanes: readonly Lane[];
}

export interface Lane {
  readonly planned: PlannedRow;
  readonly dropped: boolean;
  readonly done: boolean;
  /** When, in slots of the timeline, so that a long run does not grow. */
  readonly beatSlots: ReadonlySet<number>;
  readonly probeSlots: ReadonlySet<number>;
  readonly noticedAtMs: readonly number[];
  readonly falseAlarmsAtMs: readonly number[];
}

/** The timeline begins this long before the drop. */
export const LEAD_MS = 1000;

/** Finer than the columns of most terminals. */
const SLOTS = 400;

export function emptyLanes(): Lanes {
  return { stage: 'starting', lanes: [] };
}

export function applyEvent(state: Lanes, event: ComparisonEvent): Lanes {
  switch (event.kind) {
    case 'planned':
      return { ...state, lanes: event.rows.map(quietLane) };
    case 'stage':
      return { ...state, stage: printable(event.text) };
    case 'dropped':
      return changed(state, event.row, () => ({ dropped: true }));
    case 'row-done':
      return changed(state, event.row, () => ({ done: true }));
    case 'beats':
      return changed(state, event.row, ({ beatSlots }) => ({
        beatSlots: withSlot(beatSlots, slotAt(state, event.atMs)),
      }));
    case 'segments':
      return changed(state, event.row, ({ probeSlots }) => ({
        probeSlots: withSlot(probeSlots, slotAt(state, event.atMs)),
      }));
    case 'noticed':
      return changed(state, event.row, ({ noticedAtMs }) => ({
        noticedAtMs: [...noticedAtMs, event.atMs],
      }));
    case 'false-alarm':
      return changed(state, event.row, ({ falseAlarmsAtMs }) => ({
        falseAlarmsAtMs: [...falseAlarmsAtMs, event.atMs],
      }));
  }
}

/** The length of the timeline after the drop: the longest wait of any row. */
export function longestWaitMs({ lanes }: Lanes): number {
  return Math.max(0, ...lanes.map((lane) => lane.planned.waitMs));
}

/** The middle of a slot, in milliseconds since the drop. */
export function slotMs(state: Lanes, slot: number): number {
  return ((slot + 0.5) / SLOTS) * (LEAD_MS + longestWaitMs(state)) - LEAD_MS;
}

function quietLane(planned: PlannedRow): Lane {
  return {
    planned,
    dropped: false,
    done: false,
    beatSlots: new Set(),
    probeSlots: new Set(),
    noticedAtMs: [],
    falseAlarmsAtMs: [],
  };
}

function changed(state: Lanes, row: number, change: (lane: Lane) => Partial<Lane>): Lanes {
  const lanes = state.lanes.map((lane, at) => (at === row ? { ...lane, ...change(lane) } : lane));
  return { ...state, lanes };
}

function slotAt(state: Lanes, atMs: number): number {
  const slot = Math.floor(((atMs + LEAD_MS) / (LEAD_MS + longestWaitMs(state))) * SLOTS);
  return Math.min(SLOTS - 1, slot);
}

/** Slots before the timeline are not kept: a run may wait long for its drop. */
function withSlot(slots: ReadonlySet<number>, slot: number): ReadonlySet<number> {
  return slot < 0 || slots.has(slot) ? slots : new Set([...slots, slot]);
}
