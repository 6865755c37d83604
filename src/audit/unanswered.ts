/** Data that nobody acknowledges: the program's own beats, or whatever its kernel sends again and again. */
import { RTO_MAX_MS, retransmissionDeath } from '../core/retransmission-timer.js';
import { granuleMs, type Span } from '../core/timer-wheel.js';
import type { Estimate, MechanismKind, NextStep } from '../core/vanish-inference.js';
import { estimate, sinceWord } from './estimate.js';
import {
  AT_ONCE_MS,
  counted,
  DONE,
  doneAt,
  inOneRound,
  nearest,
  overdueAt,
  sameRoundMs,
  WATCH,
  type Finding,
} from './finding.js';
import { backsOff, gapsBetween, intersection, sendings } from './rhythm.js';
import type { Ending, Sightings } from './sightings.js';

/** Segments of one answer, and of one beat. */
const SENDING_MS = 100;

/** TCP_KEEPINTVL takes whole seconds. */
const SHORTEST_INTERVAL_MS = 1000;

/** tcp_retries2 as every kernel comes with it, Documentation/networking/ip-sysctl.rst. */
const RETRIES2 = 15;

/**
 * The quiet one heard the server speak on its own. It acknowledged, and answered nothing: who beats
 * closes it as well, and who closes only the vanished one could not send.
 */
export function afterData(seen: Sightings): Finding {
  const { end, quiet, segments, sawData, engine, lastWordWithinMs } = seen;
  const beats = sendings(quiet.data, SENDING_MS);
  const inferred = beatTimes(beats, lastWordWithinMs.quiet);
  const said = `the server sent data on its own, ${counted(beats.length, 'time')} to the quiet one`;
  const doubt = (evidence: string, next: NextStep, among = UNANSWERED): Finding => ({
    mechanism: 'ambiguous',
    candidates: among,
    evidence: `${said}, ${evidence}`,
    inferred,
    next,
  });
  if (end === undefined) return doubt('and has not given up so far', nextAfterData(seen));
  if (end.kind === 'held') return doubt('and did not give up', DONE);
  const next = afterItsRound(seen, end);
  if (segments.length === 0) return doubt('but none to the vanished one', next);
  // There data is told from probes: what was greeted before its silence is asked by the kernel alone.
  if (engine === 'hop-limit' && !sawData) {
    return doubt('and the vanished one was only probed', next, ['keepalive', 'idle-timeout']);
  }
  if (quiet.end !== undefined) {
    if (!isClosedTogether(seen, end, quiet.end.at)) return doubt('and gave up unheard', next);
    if (!keepsTime(beats, quiet.end.at, seen.lastWordWithinMs.quiet)) {
      return {
        mechanism: 'ambiguous',
        candidates: ['idle-timeout', 'heartbeat'],
        evidence: `${said}, which is no rhythm: perhaps a late greeting; then it closed both`,
        gaveUp: end.heard ? undefined : hiddenGoodbye(seen, end.at),
        next,
      };
    }
    return {
      mechanism: 'heartbeat',
      evidence: `${said}, and closed both, which did not answer`,
      inferred,
      gaveUp: end.heard ? undefined : hiddenGoodbye(seen, end.at),
      next,
    };
  }
  if (end.kind === 'gone' || isAnswerToRepeat(seen)) {
    const isItsKernel = isBackOff(segments) && (engine !== 'min-ttl' || isOnTime(seen));
    if (!isItsKernel) return doubt('and gave up unheard', next);
    const given = retransmission(seen, 'its data');
    return { ...given, evidence: `${given.evidence}; ${UNHEARD}`, inferred };
  }
  if (!end.heard || next.kind !== 'done') {
    return doubt('and closed the vanished one so far', next, ['heartbeat', 'send-timeout']);
  }
  return {
    mechanism: 'send-timeout',
    evidence: `${said}, which acknowledged and stayed open, and closed the vanished one, which did not`,
    inferred,
    next,
  };
}

/**
 * A time that comes twice is a rhythm; one sending, a late greeting, is none. Who looks once in a
 * while asks at one look and closes at the next: then the end keeps time with a single beat.
 */
function keepsTime(beats: readonly Span[], closedAt: Span, wordWithinMs: number): boolean {
  const gaps = gapsBetween(beats);
  // Before the beats there may be a greeting.
  if (gaps.length > 2 && isEven(gaps.slice(1))) return true;
  if (gaps.length > 1) return isEven(gaps);
  const lastWord = { min: -wordWithinMs, max: 0 };
  const around = gapsBetween([lastWord, ...beats, closedAt]);
  return isEven(around.slice(0, 2)) || isEven(around.slice(-2));
}

/** As far as a program keeps time. */
function isEven(gaps: readonly Span[]): boolean {
  const shortest = Math.min(...gaps.map(({ max }) => max));
  const longest = Math.max(...gaps.map(({ min }) => min));
  return longest - shortest <= Math.max(LATE_MS, LATE_SHARE * longest);
}

/** The lateness of a program's timer on a busy host. */
const LATE_MS = 250;
const LATE_SHARE = 0.05;

/** A FIN waits behind what was not sent, and an RST may be lost, or swallowed. */
const UNHEARD = 'its program, had it given up on them, would not have been heard';

const UNANSWERED: readonly MechanismKind[] = ['heartbeat', 'send-timeout', 'retransmission'];

/** The answer that was asked for, and the quiet one heard no data. */
export function unanswered(seen: Sightings): Finding {
  const { end } = seen;
  if (end?.heard !== true || isAnswerToRepeat(seen)) return retransmission(seen, 'the answer');
  return {
    mechanism: 'ambiguous',
    candidates: ['idle-timeout', 'send-timeout'],
    evidence: 'the answer was sent again and again, then the vanished one alone was closed',
    next: doneAt(seen, end.at.max + sameRoundMs(end.at.max)),
  };
}

/** Sooner than any probe of a keepalive is, and then further and further apart. */
export function isRepeated({ segments, rttMs }: Sightings): boolean {
  const [first] = gapsBetween(sendings(segments, SENDING_MS));
  return first !== undefined && first.max < SHORTEST_INTERVAL_MS + rttMs && isBackOff(segments);
}

export function isBackOff(segments: readonly Span[]): boolean {
  return backsOff(sendings(segments, SENDING_MS));
}

/** Until whatever is repeated is overdue. */
export function nextRetransmission(seen: Sightings): NextStep {
  const sent = sendings(seen.segments, SENDING_MS);
  const [first] = sent;
  const dueMs = nextExpiryMs(sent);
  if (first === undefined || dueMs === undefined) return WATCH;
  const { death } = retransmissionDeath(
    {
      retries2: RETRIES2,
      rtoMaxMs: RTO_MAX_MS,
      userTimeoutMs: undefined,
      rttMs: seen.rttMs,
      inFlight: 'either',
    },
    undefined,
  );
  const lastMs = sent.at(-1)?.min ?? first.min;
  return overdueAt(seen, dueMs + granuleMs(dueMs - lastMs, undefined), {
    min: lastMs,
    max: first.max + death.max,
  });
}

/** The kernel gives up when a timer fires, by a user timeout before: both without a word. */
function retransmission(seen: Sightings, what: string): Finding {
  const { segments, end, engine } = seen;
  const sent = sendings(segments, SENDING_MS);
  const gone = end !== undefined && end.kind !== 'held';
  return {
    mechanism: 'retransmission',
    evidence: `${what} was sent ${counted(sent.length, 'time')}, further and further apart, ${
      gone ? 'then no more: the limit of its kernel (tcp_retries2) or a user timeout' : 'so far'
    }`,
    gaveUp: gone ? silentEnd(sent, end.at) : undefined,
    how: engine === 'min-ttl' ? 'unknown' : 'silently',
    next: gone
      ? doneAt(seen, end.at.max + (end.heard ? sameRoundMs(end.at.max) : 0))
      : nextRetransmission(seen),
  };
}

/** At the expiry that sent nothing any more, or by a user timeout since the one that still did. */
function silentEnd(sent: readonly Span[], askedAt: Span): Estimate {
  const span = { min: sent.at(-1)?.min ?? 0, max: askedAt.max };
  return estimate(span, Math.min(nextExpiryMs(sent) ?? askedAt.max, askedAt.max));
}

/** A FIN waits behind data that is not sent, or was swallowed; the quiet one was closed with it. */
function hiddenGoodbye({ segments, quiet }: Sightings, askedAt: Span): Estimate {
  const span = { min: segments.at(0)?.min ?? 0, max: askedAt.max };
  if (quiet.end === undefined) return estimate(span);
  const { max: ms } = nearest(segments, quiet.end.at) ?? quiet.end.at;
  return estimate(span, Math.max(ms, quiet.end.at.max));
}

/** Whoever is closed by the same rule is closed by then; who was asked has answered. */
function afterItsRound(seen: Sightings, { at, heard }: Ending): NextStep {
  return heard && seen.quiet.end === undefined ? doneAt(seen, at.max + sameRoundMs(at.max)) : DONE;
}

/** As far as the end of the vanished one was heard, or can be. */
function isClosedTogether(seen: Sightings, end: Ending, quietAt: Span): boolean {
  if (end.heard) return inOneRound(end.at, quietAt);
  return end.kind === 'fin' || (seen.engine === 'min-ttl' && isInTime(seen, quietAt));
}

/** The last one came when it was due: where the minimum TTL hides it, an RST would come at any time. */
function isOnTime({ segments, rttMs }: Sightings): boolean {
  const [gap, lastGap] = gapsBetween(sendings(segments, SENDING_MS)).slice(-2);
  if (gap === undefined || lastGap === undefined) return false;
  const min = Math.min(0.9 * 2 * (gap.min - rttMs), RTO_MAX_MS);
  const max = Math.min(2 * (gap.max + rttMs), RTO_MAX_MS);
  const due = { min: min - rttMs, max: max + granuleMs(max, undefined) + rttMs };
  return intersection(lastGap, due) !== undefined;
}

/** While its kernel was still sending, or about to. */
function isInTime({ segments }: Sightings, quietAt: Span): boolean {
  const sent = sendings(segments, SENDING_MS);
  const last = sent.at(-1);
  if (last === undefined) return false;
  return quietAt.min <= (nextExpiryMs(sent) ?? last.max + sameRoundMs(last.max));
}

/**
 * Who has asked and hears nothing asks again, at the same times as the answer is repeated: the RST
 * that then comes is that of a kernel which had given up before.
 */
function isAnswerToRepeat({ load, engine, segments, end }: Sightings): boolean {
  // Otherwise nothing was asked, or the question was acknowledged and is not repeated.
  if (load === 'idle' || engine === 'data-filter') return false;
  const sent = sendings(segments, SENDING_MS);
  const last = sent.at(-1);
  const dueMs = nextExpiryMs(sent);
  if (end?.kind !== 'reset' || last === undefined || dueMs === undefined) return false;
  return end.at.max - last.max >= 0.8 * (dueMs - last.max);
}

function nextAfterData(seen: Sightings): NextStep {
  const { quiet, engine } = seen;
  if (quiet.end === undefined) return nextRetransmission(seen);
  const waitMs = engine === 'min-ttl' ? AT_ONCE_MS : sameRoundMs(quiet.end.at.max);
  return overdueAt(seen, quiet.end.at.max + waitMs);
}

/** It doubles, up to the longest. */
function nextExpiryMs(sent: readonly Span[]): number | undefined {
  const last = sent.at(-1);
  const gap = gapsBetween(sent).at(-1);
  return last && gap && last.max + Math.min(2 * gap.max, RTO_MAX_MS);
}

function beatTimes(beats: readonly Span[], wordWithinMs: number): NonNullable<Finding['inferred']> {
  const [first] = beats;
  const gaps = gapsBetween(beats);
  const intervals = {
    min: Math.min(...gaps.map(({ min }) => min)),
    max: Math.max(...gaps.map(({ max }) => max)),
  };
  return {
    idleMs: first === undefined ? null : sinceWord(estimate(first), wordWithinMs),
    intervalMs: gaps.length === 0 ? null : estimate(intervals, meanMs(beats)),
  };
}

/** Of all gaps: what is late once is made up for by the next. */
function meanMs(beats: readonly Span[]): number {
  const [from, to] = [beats.at(0)?.max ?? 0, beats.at(-1)?.max ?? 0];
  return (to - from) / Math.max(1, beats.length - 1);
}
