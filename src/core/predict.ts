/**
 * What each mode will do, before anything is measured. Every part of a mode is a contender with a
 * span of its own; the earliest decides.
 */
import { faultKind, healsAfterMs, lossShare, stillAcknowledges } from './condition.js';
import type { Contender } from './contender.js';
import { answeredWindowContenders, kernelContenders } from './kernel-contenders.js';
import { silenceContenders } from './silence-contenders.js';
import type { Situation } from './situation.js';
import { ZERO, type Span } from './timer-wheel.js';

export type Prediction =
  | {
      readonly kind: 'interval';
      readonly fromDropMs: Span;
      /** Phase-free: from the last received segment (idle) or the unanswered write (write). */
      readonly fromLastActivityMs: Span;
      readonly rule: string;
    }
  | { readonly kind: 'never'; readonly rule: string }
  /** Left to chance, or to the phase: some connections are noticed and some are not. */
  | { readonly kind: 'unknown'; readonly rule: string };

export function predict(situation: Situation): Prediction {
  const contenders = contendersOf(situation);
  if (contenders.length === 0) return { kind: 'never', rule: whyNever(situation) };
  if ((lossShare(situation.fault) ?? 1) < 1) {
    return { kind: 'unknown', rule: 'how many segments in a row are lost is left to chance' };
  }
  const interval = intervalOf(contenders);
  const healsAfter = healsAfterMs(situation.fault);
  if (healsAfter === undefined) return interval;
  // What a paused process has missed it does at once when it goes on: its last word is the verdict's own moment.
  const paused = faultKind(situation.fault) === 'pause';
  const last = earliestOf(contenders.map((each) => (paused ? each.fromDrop : each.lastWord)));
  return untilHealed(interval, last, healsAfter);
}

/** The one that decides; undefined: nothing ever does. */
export function decisive(contenders: readonly Contender[]): Contender | undefined {
  const [first] = contenders;
  return first === undefined
    ? undefined
    : contenders.reduce((best, each) => (each.fromDrop.max < best.fromDrop.max ? each : best));
}

export function contendersOf(situation: Situation): readonly Contender[] {
  switch (faultKind(situation.fault)) {
    case 'close':
      return [announced("the peer's FIN arrives")];
    case 'reset':
      return [announced("the peer's RST arrives")];
    case 'freeze':
    case 'pause':
    case 'relay':
      return [...silenceContenders(situation), ...answeredWindowContenders(situation)];
    case 'blackhole':
    case 'from-peer':
    case 'to-peer':
    case 'outage':
    case 'loss':
      return [...silenceContenders(situation), ...kernelContenders(situation)];
  }
}

function intervalOf(contenders: readonly Contender[]): Prediction & { kind: 'interval' } {
  return {
    kind: 'interval',
    fromDropMs: earliestOf(contenders.map((each) => each.fromDrop)),
    fromLastActivityMs: earliestOf(contenders.map((each) => each.fromLastActivity)),
    rule: decisive(contenders)?.rule ?? '',
  };
}

/**
 * What healing changes: whatever is sent after that is answered. So it is noticed all the same where
 * the last word before the verdict came before, and lives where it came after.
 */
function untilHealed(
  interval: Prediction & { kind: 'interval' },
  lastWord: Span,
  healsAfter: number,
): Prediction {
  if (lastWord.min >= healsAfter) {
    return { kind: 'never', rule: 'all is well again before the last word that is answered' };
  }
  if (lastWord.max < healsAfter) return interval;
  return { kind: 'unknown', rule: 'at some phases all is well again in time, at others it is not' };
}

function announced(rule: string): Contender {
  const schedule = { what: 'nothing' as const, since: 'the goodbye', sent: [], death: ZERO };
  return { fromDrop: ZERO, fromLastActivity: ZERO, rule, lastWord: ZERO, schedule };
}

function whyNever({ mode, fault }: Situation): string {
  if (stillAcknowledges(fault)) {
    return faultKind(fault) !== 'relay'
      ? "the peer's kernel goes on acknowledging for its stopped process"
      : 'the relay goes on acknowledging for a peer that is gone';
  }
  if (mode.userTimeoutMs !== undefined) {
    return 'a user timeout counts only while data or a probe is unanswered, and nothing is in flight';
  }
  return 'nothing is in flight and no timer is armed';
}

function earliestOf(spans: readonly Span[]): Span {
  return {
    min: Math.min(...spans.map((span) => span.min)),
    max: Math.min(...spans.map((span) => span.max)),
  };
}
