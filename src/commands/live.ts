/** The live picture on a terminal, or a line a second elsewhere. Owns the repainting and its timer. */
import type { ComparisonEvent } from '../core/progress.js';
import { monotonicNow } from '../kernel/clock.js';
import { applyEvent, drawLanes, emptyLanes, progressLine } from '../report/lanes.js';
import { clip } from '../report/layout.js';
import type { Environment } from './environment.js';
import { isAnimated, styleFor, type ColorChoice } from './style.js';

export interface Progress {
  take(event: ComparisonEvent): void;
  /** Clears the picture away. Idempotent. */
  end(): void;
}

const REPAINT_MS = 150;
const LINE_MS = 1000;

const CURSOR_UP = (lines: number) => `\x1b[${lines}A`;
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';

/** A lane a row, or one line of words. */
export type Picture = 'lanes' | 'line';

export function showProgress(env: Environment, color: ColorChoice, picture: Picture): Progress {
  const { stderr } = env;
  const animated = isAnimated(env, stderr);
  let lanes = emptyLanes();
  let droppedAt: number | undefined;
  let painted = 0;

  const sinceDrop = () => (droppedAt === undefined ? -Infinity : monotonicNow() - droppedAt);

  function paint(): void {
    const style = styleFor(env, stderr, color);
    const line = clip(progressLine(lanes, sinceDrop()), style.width, style.unicode);
    const drawn = picture === 'lanes' ? drawLanes(lanes, sinceDrop(), style) : [line];
    // What is taller than the terminal cannot be painted over.
    const lines = drawn.length < (stderr.rows ?? Infinity) ? drawn : [line];
    const up = painted === 0 ? HIDE_CURSOR : CURSOR_UP(painted);
    stderr.write(`${up}\r${lines.map((line) => `${line}${CLEAR_LINE}\n`).join('')}${CLEAR_BELOW}`);
    painted = lines.length;
  }

  let written = '';
  function writeLine(): void {
    const line = progressLine(lanes, sinceDrop());
    if (line !== written) stderr.write(`${line}\n`);
    written = line;
  }

  const timer = setInterval(animated ? paint : writeLine, animated ? REPAINT_MS : LINE_MS);
  const unlisten = env.onExit(end);

  return {
    take(event) {
      if (event.kind === 'dropped') droppedAt ??= monotonicNow();
      lanes = applyEvent(lanes, event);
    },
    end,
  };

  function end(): void {
    clearInterval(timer);
    unlisten();
    if (painted > 0) stderr.write(`${CURSOR_UP(painted)}\r${CLEAR_BELOW}${SHOW_CURSOR}`);
    painted = 0;
  }
}
