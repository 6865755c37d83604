/** An ask that waits for minutes says so: who may still answer, and how long that may take. */
import type { Survey } from '../core/survey.js';
import { msBetween } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { printable } from '../report/printable.js';
import { roughly } from '../report/time-words.js';
import { ASK_ROOM_MS } from './ask-wait.js';
import type { Environment } from './environment.js';
import { showStatus } from './status-line.js';

const SHOW_EVERY_MS = 1000;

/** @param work is given what tells a line that stays */
export async function showingProgress<Result>(
  env: Environment,
  { count, waitMs }: { readonly count: number; readonly waitMs: number },
  work: (tell: (line: string) => void) => Promise<Result>,
): Promise<Result> {
  const status = showStatus(env);
  const startedAt = monotonicNow();
  const show = () => {
    const line = waitingLine(count, waitMs, msBetween(startedAt, monotonicNow()));
    if (line !== undefined) status.show(line);
  };
  const timer = setInterval(show, SHOW_EVERY_MS);
  try {
    return await work((line) => status.say(printable(line)));
  } finally {
    clearInterval(timer);
    status.end();
  }
}

/** Undefined: there is nobody to wait for. */
export function waitingLine(count: number, waitMs: number, elapsedMs: number): string | undefined {
  if (count === 0) return undefined;
  const leftMs = Math.max(0, waitMs + ASK_ROOM_MS - elapsedMs);
  const left = roughly(Math.round(leftMs / 1000) * 1000);
  return `waiting for ${count} to answer, up to ${left}`;
}

/** As far as can be told beforehand: those without a timer that somebody holds. */
export function askable({ connections }: Survey): number {
  return connections.filter(({ fate, process }) => fate.kind === 'forever' && process !== null)
    .length;
}
