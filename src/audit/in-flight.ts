/** Whether data is in flight: load `write` is nothing else. Pure, and asked at any moment. */
import type { VanishLog } from '../core/vanish-log.js';

/**
 * - `yes`: the answer came, and came again: it is not acknowledged.
 * - `no-answer`: the server does not answer what was asked.
 * - `acknowledged`: the answer came once: its acknowledgement left before it could be prevented.
 * - `pending`: not known yet.
 */
export type InFlight = 'yes' | 'no-answer' | 'acknowledged' | 'pending';

/** A server that takes longer is asked something else. */
const ANSWERED_WITHIN_MS = 10_000;

/**
 * The first retransmission comes after two round trips and 200 ms more (tail-loss probe, RFC 8985
 * section 7.2), or as long after it as a busy machine takes; a keepalive probe not within a second.
 */
const REPEATED_WITHIN_MS = 900;

export function inFlight({ events, watchedMs, rttMs }: Log): InFlight {
  const sent = events
    .filter(({ connection }) => connection === 'vanished')
    .filter(({ kind }) => kind === 'swallowed' || kind === 'data')
    .map(({ atMs }) => atMs);
  const [first] = sent;
  if (first === undefined) return watchedMs < ANSWERED_WITHIN_MS ? 'pending' : 'no-answer';
  const until = first + REPEATED_WITHIN_MS + 4 * rttMs;
  if (sent.some((at) => at > first + REPEATED_AFTER_MS && at <= until)) return 'yes';
  return watchedMs < until ? 'pending' : 'acknowledged';
}

/** The segments of one answer are no repetition. */
const REPEATED_AFTER_MS = 100;

type Log = Pick<VanishLog, 'events' | 'watchedMs' | 'rttMs'>;
