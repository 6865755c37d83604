/** `--ask[=WAIT]`: how long an answer may take. */
import { parseDuration } from '../core/duration.js';
import { TcpaliveError } from '../errors.js';

/** True: it was given without a wait. */
export type AskFlag = number | true;

const DEFAULT_WAIT_MS = 2000;

/** A second until the youngest may be asked, and our own work. */
export const ASK_ROOM_MS = 2000;

/** The kernel's timers are late by up to 80 ms: in less not even a neighbour would seem to answer. */
const SHORTEST_WAIT_MS = 100;

/** What has not answered by then is as good as silent, and its options are changed all the while. */
const LONGEST_WAIT_MS = 5 * 60_000;

export function askWaitMs(flag: AskFlag): number {
  return flag === true ? DEFAULT_WAIT_MS : flag;
}

/** @throws TcpaliveError BAD_USAGE */
export function parseAskWait(text: string): number {
  const waitMs = parseDuration(text);
  if (waitMs > LONGEST_WAIT_MS) {
    throw new TcpaliveError('BAD_USAGE', `'${text}' is too long to wait for an answer: at most 5m`);
  }
  if (waitMs >= SHORTEST_WAIT_MS) return waitMs;
  throw new TcpaliveError('BAD_USAGE', `'${text}' is too short for an answer: at least 100ms`);
}
