/**
 * Which silences to try next. First each twice as long as the one before, all at the same time: the
 * first that is lost ends the round. Then evenly spaced ones between the longest that lived and the
 * shortest that was lost, until that is known well enough. It takes two to four times the limit.
 *
 * What is lost although a longer silence lived was an accident of that connection, and says nothing: the
 * first loss is tried again.
 */
import type { IdleTrial } from './idle-limit-result.js';

export interface IdleLimitTerms {
  /** The longest silence to try. */
  readonly waitMs: number;
  /** So many at the same time, 2 at least. */
  readonly most: number;
}

/** Connections: one stays with keepalive, one shows that the server can still be reached. */
export const BESIDE = 2;

/** A keepalive probe can ask nothing that was silent for less (SILENT_BEFORE_PROBE_MS). */
export const SHORTEST_SILENCE_MS = 1000;

/** Between the longest that lived and the shortest that was lost: 14 divide a doubling so. */
const RESOLUTION = 0.0715;
const FINEST_MS = 1000;

/** That much longer, so that nothing is to be said of what was lost should it live. */
const AGAIN_MS = 250;

/** What is measured is not quite what was planned. */
const ROOM = 1.25;

export interface Bracket {
  /** The longest silence that lived; 0: none. */
  readonly livedMs: number;
  /** The shortest one above it that did not. */
  readonly loss: IdleTrial | undefined;
  /** The shortest one above it after which the other end spoke. */
  readonly spoken: IdleTrial | undefined;
}

export function bracketOf(trials: readonly IdleTrial[]): Bracket {
  const lived = trials.filter(({ outcome }) => outcome.kind === 'lived');
  const livedMs = Math.max(0, ...lived.map(({ silenceMs }) => silenceMs));
  const above = trials
    .filter(({ silenceMs }) => silenceMs > livedMs)
    .toSorted((a, b) => a.silenceMs - b.silenceMs);
  return {
    livedMs,
    loss: above.find(({ outcome: { kind } }) => kind === 'lost' || kind === 'closed'),
    spoken: above.find(({ outcome: { kind } }) => kind === 'spoken'),
  };
}

/** Ascending; none: all is known that can be. */
export function nextSilences(
  trials: readonly IdleTrial[],
  { waitMs, most }: IdleLimitTerms,
): readonly number[] {
  const { livedMs, loss, spoken } = bracketOf(trials);
  if (loss === undefined) {
    const isOver = livedMs >= waitMs || spoken !== undefined;
    return isOver ? [] : growing(livedMs, waitMs, most);
  }
  const widthMs = loss.silenceMs - livedMs;
  if (loss.outcome.kind === 'closed' || widthMs <= resolutionMs(livedMs) * ROOM) return [];
  const again = isOnlyLoss(trials, livedMs) ? [loss.silenceMs + AGAIN_MS] : [];
  const parts = Math.min(most + 1 - again.length, Math.ceil(widthMs / resolutionMs(livedMs)));
  return [...evenly(livedMs, loss.silenceMs, parts), ...again];
}

export interface Longest {
  readonly rounds: number;
  /** All silences, one round after the other; keepalive is tried in the second, or after the first. */
  readonly silentMs: number;
}

/** Whatever the limit is; but for what it takes to ask. */
export function longest({ waitMs, most }: IdleLimitTerms): Longest {
  const silences = growing(0, waitMs, most);
  const each = silences.map((toMs, at) => {
    const livedMs = silences[at - 1] ?? 0;
    let rounds = 1;
    let widthMs = toMs - livedMs;
    while (widthMs > resolutionMs(livedMs) * ROOM) {
      widthMs /= rounds === 1 ? most : most + 1;
      rounds++;
    }
    return { rounds, silentMs: Math.max(2, rounds) * toMs };
  });
  return {
    rounds: Math.max(...each.map(({ rounds }) => rounds)),
    silentMs: Math.max(...each.map(({ silentMs }) => silentMs)),
  };
}

function isOnlyLoss(trials: readonly IdleTrial[], livedMs: number): boolean {
  const losses = trials.filter(
    ({ silenceMs, outcome }) => silenceMs > livedMs && outcome.kind === 'lost',
  );
  return losses.length === 1;
}

function resolutionMs(livedMs: number): number {
  return Math.max(FINEST_MS, RESOLUTION * livedMs);
}

/** Doubling, or steeper where so many are too many. The last one is `waitMs`. */
function growing(livedMs: number, waitMs: number, most: number): readonly number[] {
  const firstMs = livedMs === 0 ? SHORTEST_SILENCE_MS : Math.min(waitMs, 2 * livedMs);
  const factor = Math.max(2, (waitMs / firstMs) ** (1 / (most - 1)));
  const silences: number[] = [];
  // Less than that before the last one would be the same silence twice.
  for (let ms = firstMs; ms < waitMs / 1.01; ms *= factor) silences.push(Math.round(ms));
  return [...silences, waitMs];
}

/** Those in between. */
function evenly(fromMs: number, toMs: number, parts: number): readonly number[] {
  const stepMs = (toMs - fromMs) / parts;
  return Array.from({ length: parts - 1 }, (_, at) => Math.round(fromMs + (at + 1) * stepMs));
}
