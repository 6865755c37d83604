/** Lines on a terminal that are painted over in place. */
import type { Environment } from './environment.js';

export interface Painting {
  paint(lines: readonly string[]): void;
  /** They are gone, until they are painted again. */
  clear(): void;
  /** The cursor is back. Idempotent. */
  end(): void;
}

const CURSOR_UP = (lines: number) => `\x1b[${lines}A`;
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const HIDE_CURSOR = '\x1b[?25l';
const SHOW_CURSOR = '\x1b[?25h';

export function paintOver(env: Environment): Painting {
  const { stderr } = env;
  let painted = 0;
  const unlisten = env.onExit(end);

  function clear(): void {
    if (painted > 0) stderr.write(`${CURSOR_UP(painted)}\r${CLEAR_BELOW}${SHOW_CURSOR}`);
    painted = 0;
  }

  function end(): void {
    clear();
    unlisten();
  }

  return {
    paint(lines) {
      const up = painted === 0 ? HIDE_CURSOR : CURSOR_UP(painted);
      const text = lines.map((line) => `${line}${CLEAR_LINE}\n`).join('');
      stderr.write(`${up}\r${text}${CLEAR_BELOW}`);
      painted = lines.length;
    },
    clear,
    end,
  };
}
