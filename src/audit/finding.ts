/** What one kind of evidence says, and until when it may still change. */
import type { Span } from '../core/timer-wheel.js';
import type {
  Estimate,
  Inference,
  InferredSettings,
  MechanismKind,
  NextStep,
} from '../core/vanish-inference.js';
import type { Sightings } from './sightings.js';

export interface Finding {
  readonly mechanism: MechanismKind;
  readonly candidates?: readonly MechanismKind[];
  readonly evidence: string;
  readonly inferred?: Partial<Omit<InferredSettings, 'settings'>>;
  /** When it gave up, where that is not when it was heard. */
  readonly gaveUp?: Estimate | undefined;
  /** How, where that is not what was heard. */
  readonly how?: Inference['how'];
  readonly next: NextStep;
}

/** What happens to both connections within that time happens at once. */
export const AT_ONCE_MS = 500;

/**
 * A program that looks for silent clients once in a while closes two of them that far apart, and two
 * timers of a kernel may be an eighth apart: a granule of the wheel.
 */
const ROUND_MS = 2500;
const ROUND_SHARE = 0.13;

/** Beyond the lateness of the server's timer: a busy host, a slow path. */
const SLACK_MS = 500;

/** Nothing but an event changes the answer. */
export const WATCH: NextStep = { kind: 'watch', changesAtMs: null, end: null };

export const DONE: NextStep = { kind: 'done' };

/** The answer stays as it is from then on. */
export function doneAt({ watchedMs }: Sightings, ms: number): NextStep {
  return watchedMs >= ms ? DONE : { kind: 'watch', changesAtMs: ms, end: null };
}

/** @param end when the server gives up, if what was seen goes on */
export function overdueAt(
  { watchedMs }: Sightings,
  dueMs: number,
  end: { readonly min: number; readonly max: number | null } | null = null,
): NextStep {
  const ms = dueMs + SLACK_MS;
  return watchedMs >= ms ? { kind: 'lift' } : { kind: 'watch', changesAtMs: ms, end };
}

/** How long after the one the other is closed by the same rule. */
export function sameRoundMs(afterMs: number): number {
  return Math.max(ROUND_MS, ROUND_SHARE * afterMs);
}

export function inOneRound(a: Span, b: Span): boolean {
  return apartMs(a, b) <= sameRoundMs(Math.max(a.max, b.max));
}

function apartMs(a: Span, b: Span): number {
  return Math.max(0, a.min - b.max, b.min - a.max);
}

export function nearest(moments: readonly Span[], to: Span): Span | undefined {
  return moments.toSorted((a, b) => apartMs(a, to) - apartMs(b, to)).at(0);
}

export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}
