/**
 * The live picture of a running comparison: events in, a value out, text from the value. Knows no
 * terminal and no clock. `nowMs` is milliseconds since the drop, negative before it.
 */
import { distribution } from '../core/distribution.js';
import { countWords } from './count-words.js';
import { paint, type Style } from './format.js';
import { axisLine, legendLines, marks, paintMarks } from './lane-marks.js';
import { longestWaitMs, type Lane, type Lanes } from './lane-state.js';
import { clip } from './layout.js';
import { printable } from './printable.js';
import { latencyWords, roughly } from './time-words.js';

export { applyEvent, emptyLanes, type Lanes } from './lane-state.js';

const GAP = '  ';

/** Narrower than this there is no room for a timeline. */
const NARROWEST_TIMELINE = 60;
/** From here on the status at the right is spelled out. */
const WIDE = 110;
/** `20/20 noticed at 13.62s median`, `20/20, 8 silent`. */
const STATUS_WIDTH = { wide: 31, narrow: 17 };

/**
 * One line a row, the axis, the legend, and how far it is; no line is wider than `style.width`
 * columns. Without room for a timeline, one status line a row.
 */
export function drawLanes(state: Lanes, nowMs: number, style: Style): readonly string[] {
  const progress = clip(progressLine(state, nowMs), style.width, style.unicode);
  if (state.lanes.length === 0) return [progress];
  const picture =
    style.width < NARROWEST_TIMELINE ? statusLines(state, style) : timelines(state, nowMs, style);
  return [...picture, progress];
}

function statusLines(state: Lanes, style: Style): readonly string[] {
  const labels = laneLabels(state, style.width - STATUS_WIDTH.narrow - 2, style.unicode);
  return state.lanes.map((lane, at) => {
    const line = `${(labels[at] ?? '').trimEnd()}: ${statusWords(lane, false)}`;
    return paintStatus(clip(line, style.width, style.unicode), lane, style);
  });
}

function timelines(state: Lanes, nowMs: number, style: Style): readonly string[] {
  const labels = laneLabels(state, Math.floor(style.width * 0.4), style.unicode);
  const wide = style.width >= WIDE;
  const statusWidth = wide ? STATUS_WIDTH.wide : STATUS_WIDTH.narrow;
  const labelWidth = labels[0]?.length ?? 0;
  const columns = style.width - labelWidth - statusWidth - 2 * GAP.length;
  const lines = state.lanes.map((lane, at) => {
    const timeline = paintMarks(marks(state, lane, columns), style);
    const status = clip(statusWords(lane, wide), statusWidth, style.unicode);
    return [labels[at] ?? '', timeline, paintStatus(status, lane, style)].join(GAP);
  });
  const indent = ' '.repeat(labelWidth) + GAP;
  return [...lines, indent + axisLine(state, nowMs, columns, style), ...legendLines(style)];
}

/** Where nothing can be redrawn: `7s of 15s: 143 of 220 noticed, 0 false alarms; about 8s left`. */
export function progressLine(state: Lanes, nowMs: number): string {
  const watched = state.lanes.filter((lane) => lane.planned.waitMs > 0);
  if (!watched.some((lane) => lane.dropped)) return state.stage;
  const total = sum(watched.map((lane) => lane.planned.connections));
  const noticed = sum(watched.map((lane) => lane.noticedAtMs.length));
  const alarms = sum(watched.map((lane) => lane.falseAlarmsAtMs.length));
  const pending = watched.filter((lane) => !lane.done).map((lane) => lane.planned.waitMs);
  const leftSeconds = Math.ceil((Math.max(0, ...pending) - nowMs) / 1000);
  const left = leftSeconds > 0 ? `about ${roughly(leftSeconds * 1000)} left` : 'finishing';
  const elapsed = roughly(Math.floor(Math.max(0, nowMs) / 1000) * 1000);
  return (
    `${elapsed} of ${roughly(longestWaitMs(state))}: ${noticed} of ${total} noticed, ` +
    `${countWords(alarms, 'false alarm')}; ${left}`
  );
}

/** Mode, load and, where they differ, fault, all equally wide. Only the mode is ever clipped. */
function laneLabels({ lanes }: Lanes, widest: number, unicode: boolean): readonly string[] {
  const faultsDiffer = new Set(lanes.map((lane) => lane.planned.fault)).size > 1;
  const modes = lanes.map(({ planned }) => printable(planned.mode));
  const conditions = lanes.map(({ planned }) =>
    faultsDiffer ? `${planned.load.padEnd(5)} ${planned.fault}` : planned.load,
  );
  const conditionWidth = Math.max(0, ...conditions.map((text) => text.length));
  const room = Math.max(0, widest - conditionWidth - 1);
  const modeWidth = Math.min(room, Math.max(0, ...modes.map((text) => text.length)));
  return modes.map((mode, at) => {
    const condition = (conditions[at] ?? '').padEnd(conditionWidth);
    return `${clip(mode, modeWidth, unicode).padEnd(modeWidth)} ${condition}`;
  });
}

function statusWords(lane: Lane, wide: boolean): string {
  const { connections, waitMs } = lane.planned;
  if (waitMs === 0) return 'predicted only';
  const alarms = lane.falseAlarmsAtMs.length;
  const noticed = lane.noticedAtMs.length;
  if (alarms > 0) return `${noticed}/${connections}, ${alarms} false`;
  if (!lane.dropped) return `${connections} open`;
  if (noticed === 0) return `${connections} silent`;
  if (noticed < connections) {
    const silent = `${connections - noticed} silent`;
    return wide
      ? `${noticed}/${connections} noticed, ${silent}`
      : `${noticed}/${connections}, ${silent}`;
  }
  const median = latencyWords(distribution(lane.noticedAtMs)?.median ?? 0);
  return wide
    ? `${noticed}/${connections} noticed at ${median} median`
    : `${noticed}/${connections} at ${median}`;
}

function paintStatus(text: string, lane: Lane, style: Style): string {
  return lane.falseAlarmsAtMs.length > 0 ? paint(style).yellow(text) : text;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
