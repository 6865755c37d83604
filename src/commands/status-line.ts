/** On stderr, how far it is: one line painted over on a terminal, now and then a line elsewhere. */
import { monotonicNow } from '../kernel/clock.js';
import { clip } from '../report/layout.js';
import type { Environment } from './environment.js';
import { isAnimated } from './style.js';

export interface StatusLine {
  /** @param isLast it stays */
  show(line: string, isLast?: boolean): void;
  /** A line that stays. */
  say(line: string): void;
  /** Clears the line that does not stay. Idempotent. */
  end(): void;
}

/** Where it cannot be painted over. */
const LINE_EVERY_MS = 5000;

export function showStatus(env: Environment): StatusLine {
  const { stderr } = env;
  const animated = isAnimated(env, stderr);
  let painted = false;
  let writtenAt = -Infinity;

  const end = () => {
    if (painted) stderr.write('\r\x1b[K');
    painted = false;
  };
  const say = (line: string) => {
    end();
    stderr.write(`${line}\n`);
    writtenAt = monotonicNow();
  };
  return {
    show(line, isLast = false) {
      if (isLast || (!animated && monotonicNow() - writtenAt >= LINE_EVERY_MS)) say(line);
      else if (animated) {
        stderr.write(`\r${clip(line, (stderr.columns ?? 80) - 1, false)}\x1b[K`);
        painted = true;
      }
    },
    say,
    end,
  };
}
