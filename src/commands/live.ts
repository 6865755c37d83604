/** The live picture on a terminal, or a line a second elsewhere. Owns the timer of the repainting. */
import type { ComparisonEvent } from '../core/progress.js';
import { monotonicNow } from '../kernel/clock.js';
import { applyEvent, drawLanes, emptyLanes, progressLine } from '../report/lanes.js';
import { clip } from '../report/layout.js';
import type { Environment } from './environment.js';
import { paintOver } from './paint-over.js';
import { isAnimated, styleFor, type ColorChoice } from './style.js';

export interface Progress {
  take(event: ComparisonEvent): void;
  /** Clears the picture away. Idempotent. */
  end(): void;
}

const REPAINT_MS = 150;
const LINE_MS = 1000;

/** A lane a row, or one line of words. */
export type Picture = 'lanes' | 'line';

export function showProgress(env: Environment, color: ColorChoice, picture: Picture): Progress {
  const { stderr } = env;
  const animated = isAnimated(env, stderr);
  let lanes = emptyLanes();
  let droppedAt: number | undefined;
  const painting = paintOver(env);

  const sinceDrop = () => (droppedAt === undefined ? -Infinity : monotonicNow() - droppedAt);

  function paint(): void {
    const style = styleFor(env, stderr, color);
    const line = clip(progressLine(lanes, sinceDrop()), style.width, style.unicode);
    const drawn = picture === 'lanes' ? drawLanes(lanes, sinceDrop(), style) : [line];
    // What is taller than the terminal cannot be painted over.
    painting.paint(drawn.length < (stderr.rows ?? Infinity) ? drawn : [line]);
  }

  let written = '';
  function writeLine(): void {
    const line = progressLine(lanes, sinceDrop());
    if (line !== written) stderr.write(`${line}\n`);
    written = line;
  }

  const timer = setInterval(animated ? paint : writeLine, animated ? REPAINT_MS : LINE_MS);
  return {
    take(event) {
      if (event.kind === 'dropped') droppedAt ??= monotonicNow();
      lanes = applyEvent(lanes, event);
    },
    end,
  };

  function end(): void {
    clearInterval(timer);
    painting.end();
  }
}
