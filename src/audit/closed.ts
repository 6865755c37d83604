/** Goodbyes without a probe or data that would tell why: what ends both connections is an idle timeout. */
import type { Span } from '../core/timer-wheel.js';
import type { NextStep } from '../core/vanish-inference.js';
import { estimate } from './estimate.js';
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
import { keepaliveFit } from './keepalive-fit.js';
import type { Ending, Sightings } from './sightings.js';
import { isBackOff } from './unanswered.js';

/** The quiet one was closed though it could be reached, and had heard no more than a farewell. */
export function bothClosed(seen: Sightings, quietAt: Span): Finding {
  const { end, engine, load, segments } = seen;
  const goodbye = nearest(segments, quietAt);
  // Not heard, but something came when there was one.
  const hidden = goodbye && inOneRound(goodbye, quietAt) ? goodbye : undefined;
  if (end === undefined || end.kind === 'held') {
    const known = engine === 'min-ttl' && hidden !== undefined;
    const overMs = quietAt.max + (known ? AT_ONCE_MS : sameRoundMs(quietAt.max));
    const next = end === undefined ? overdueAt(seen, overMs) : WATCH;
    return known && end === undefined
      ? idleTimeout(seen, hidden, quietAt, 'something came to the vanished one', next)
      : {
          mechanism: 'ambiguous',
          candidates: ['idle-timeout', 'heartbeat'],
          evidence: 'only the quiet one was closed',
          next,
        };
  }
  const closedAt = end.heard ? end.at : hidden;
  if (closedAt === undefined || !inOneRound(closedAt, quietAt)) {
    return {
      mechanism: 'ambiguous',
      candidates: ['idle-timeout', seen.quiet.probes.length > 0 ? 'keepalive' : 'heartbeat'],
      evidence: 'both connections were closed, but not at the same time',
      next: DONE,
    };
  }
  const before = segments.filter(({ max }) => max < closedAt.min - AT_ONCE_MS);
  if (load === 'idle' && seen.quiet.probes.length === 0 && isBackOff(before)) {
    return {
      mechanism: 'ambiguous',
      candidates: ['idle-timeout', 'heartbeat'],
      evidence: 'both connections were closed; but data to the vanished one alone was sent before',
      next: DONE,
    };
  }
  const probes = end.heard ? keepaliveFit(seen)?.probes : undefined;
  if (probes !== undefined) {
    return {
      mechanism: 'ambiguous',
      candidates: ['keepalive', 'idle-timeout'],
      evidence: `${counted(probes, 'probe')} went unanswered, then RST; but the quiet one was closed as well`,
      next: DONE,
    };
  }
  return idleTimeout(seen, closedAt, quietAt, 'so was the vanished one', DONE);
}

/** The vanished one was, and the quiet one was not, so far. */
export function endedAlone(seen: Sightings, { kind, at }: Ending): Finding {
  const before =
    seen.segments.length === 0
      ? 'without a probe or data before'
      : 'and what came before has no rhythm';
  return {
    mechanism: 'ambiguous',
    candidates: kind === 'fin' ? ['idle-timeout', 'heartbeat'] : ['keepalive', 'idle-timeout'],
    evidence:
      kind === 'gone'
        ? 'the server knows the vanished one no more, and nothing tells when it gave up'
        : `the vanished one alone was closed, ${before}`,
    next: doneAt(seen, at.max + sameRoundMs(at.max)),
  };
}

/** Connections that were opened together have one age. */
const ALIKE =
  'a limit on their age (a login grace time) or a restart at that moment would look the same';

/** Whoever looks once in a while closes late, never early. */
function idleTimeout(
  { lastWordWithinMs }: Sightings,
  closedAt: Span,
  quietAt: Span,
  how: string,
  next: NextStep,
): Finding {
  const span = {
    min: Math.min(closedAt.min, quietAt.min),
    max: Math.max(closedAt.max + lastWordWithinMs.vanished, quietAt.max + lastWordWithinMs.quiet),
  };
  return {
    mechanism: 'idle-timeout',
    evidence: `the quiet one was closed though it could be reached, and at the same time ${how}; ${ALIKE}`,
    inferred: { idleMs: estimate(span, Math.min(closedAt.max, quietAt.max)) },
    gaveUp: estimate(closedAt),
    next,
  };
}
