/** What a lane shows at each column of its timeline, the axis under it and what the marks mean. */
import type { ChalkInstance } from 'chalk';
import { formatDuration } from '../core/duration.js';
import { paint, type Style } from './format.js';
import { LEAD_MS, longestWaitMs, slotMs, type Lane, type Lanes } from './lane-state.js';
import { fillLines } from './layout.js';

/** A number: that many verdicts fall into this column. */
export type Mark = 'nothing' | 'beat' | 'probe' | 'cut' | 'all' | 'false-alarm' | number;

/** From left to right; where several things fall into one column, the weightiest shows. */
export function marks(state: Lanes, lane: Lane, columns: number): readonly Mark[] {
  const at = (atMs: number) => columnAt(state, atMs, columns);
  const line = Array<Mark>(columns).fill('nothing');
  for (const slot of lane.beatSlots) line[at(slotMs(state, slot))] = 'beat';
  for (const slot of lane.probeSlots) line[at(slotMs(state, slot))] = 'probe';
  if (lane.dropped) line[at(0)] = 'cut';
  for (const ms of lane.noticedAtMs) {
    const before = line[at(ms)];
    line[at(ms)] = typeof before === 'number' ? before + 1 : 1;
  }
  const { connections } = lane.planned;
  const whole = line.map((mark) => (mark === connections && connections > 9 ? 'all' : mark));
  for (const ms of lane.falseAlarmsAtMs) whole[at(ms)] = 'false-alarm';
  return whole;
}

export function paintMarks(line: readonly Mark[], style: Style): string {
  const colors = paint(style);
  return line.map((mark) => paintMark(mark, glyph(mark, style.unicode), colors)).join('');
}

/** Seconds under the timeline, as close as they can be read; `^` is now. */
export function axisLine(state: Lanes, nowMs: number, columns: number, style: Style): string {
  const endMs = longestWaitMs(state);
  const columnMs = (LEAD_MS + endMs) / columns;
  const stepMs = STEPS_MS.find((step) => step >= columnMs * LABEL_ROOM) ?? endMs + 1;
  let line = '';
  for (let tickMs = stepMs >= 2 * LEAD_MS ? 0 : -LEAD_MS; tickMs <= endMs; tickMs += stepMs) {
    const label = `${tickMs < 0 ? '-' : ''}${formatDuration(Math.abs(tickMs))}`;
    const column = columnAt(state, tickMs, columns);
    if (column + label.length <= columns && column >= line.length) {
      line = line.padEnd(column) + label;
    }
  }
  if (nowMs < -LEAD_MS || nowMs > endMs) return line;
  const now = columnAt(state, nowMs, columns);
  const padded = line.padEnd(columns);
  // A label is worth more than the moment between two redraws.
  if (padded[now] !== ' ') return line;
  return (padded.slice(0, now) + (style.unicode ? '▲' : '^') + padded.slice(now + 1)).trimEnd();
}

export function legendLines({ width, unicode }: Style): readonly string[] {
  const meanings = (Object.keys(glyphs) as (keyof typeof glyphs)[]).map(
    (mark) => `${glyph(mark, unicode)} ${glyphs[mark].meaning}`,
  );
  return fillLines([...meanings, '2-9 + several noticed'], '   ', width);
}

const glyphs = {
  beat: { ascii: '.', unicode: '·', meaning: 'sign of life' },
  probe: { ascii: '?', unicode: '◦', meaning: 'sent by the kernel' },
  cut: { ascii: '|', unicode: '╷', meaning: 'the cut' },
  one: { ascii: 'x', unicode: '●', meaning: 'noticed' },
  all: { ascii: '#', unicode: '■', meaning: 'all noticed at once' },
  'false-alarm': { ascii: '!', unicode: '!', meaning: 'false alarm' },
} as const;

/** Columns that a label and the space before the next one need. */
const LABEL_ROOM = 6;
const STEPS_MS = [1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600].map((seconds) => seconds * 1000);

function glyph(mark: Mark | keyof typeof glyphs, unicode: boolean): string {
  if (mark === 'nothing') return ' ';
  if (typeof mark === 'number' && mark > 1) return mark > 9 ? '+' : String(mark);
  const known = glyphs[typeof mark === 'number' ? 'one' : mark];
  return unicode ? known.unicode : known.ascii;
}

function paintMark(mark: Mark, text: string, colors: ChalkInstance): string {
  switch (mark) {
    case 'nothing':
      return text;
    case 'beat':
      return colors.dim(text);
    case 'probe':
      return colors.cyan(text);
    case 'cut':
      return colors.red(text);
    case 'false-alarm':
      return colors.yellow(text);
    case 'all':
    default:
      return colors.green(text);
  }
}

function columnAt(state: Lanes, atMs: number, columns: number): number {
  const column = Math.floor(((atMs + LEAD_MS) / (LEAD_MS + longestWaitMs(state))) * columns);
  return Math.min(columns - 1, Math.max(0, column));
}
