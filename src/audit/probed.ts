/** Bare segments on both connections, at one interval: the server's kernel asks. */
import { granuleMs } from '../core/timer-wheel.js';
import type { NextStep } from '../core/vanish-inference.js';
import { estimate, wholeSeconds } from './estimate.js';
import { AT_ONCE_MS, counted, doneAt, overdueAt, WATCH, type Finding } from './finding.js';
import type { KeepaliveFit } from './keepalive-fit.js';
import { gapsBetween } from './rhythm.js';
import type { Sightings } from './sightings.js';

/** MAX_TCP_KEEPCNT, include/net/tcp.h. */
const MOST_PROBES = 127;

export function probed(seen: Sightings, fit: KeepaliveFit): Finding {
  const { end } = seen;
  const { idle, interval, count, probes, lossy } = fit;
  const notes = [
    `${counted(count ?? probes, 'probe')} without data went unanswered, ${ending(seen, fit)}`,
    'the quiet one answered its own and stayed open',
    hiddenReset(seen, fit),
    lossy ? 'some may have been lost, so their number is not known' : '',
    count === undefined ? '' : 'a user timeout there would set their number',
  ];
  return {
    mechanism: 'keepalive',
    evidence: notes.filter((note) => note !== '').join('; '),
    inferred: {
      idleMs: wholeSeconds(idle),
      intervalMs: interval === undefined ? null : wholeSeconds(interval),
      count: count ?? null,
    },
    gaveUp: fit.end && estimate(fit.end),
    next: end === undefined ? nextProbe(seen, fit) : doneAt(seen, end.at.max + AT_ONCE_MS),
  };
}

/** With the minimum TTL it is swallowed too, and one that was lost leaves a probe in its place. */
function hiddenReset({ engine, end }: Sightings, { count }: KeepaliveFit): string {
  if (engine !== 'min-ttl' || end?.kind === 'held') return '';
  if (end === undefined) return 'the last one may be the RST';
  return count === undefined
    ? ''
    : 'the segment after them is taken for the RST: had that been lost, it would be one probe more';
}

function ending({ end }: Sightings, fit: KeepaliveFit): string {
  if (end === undefined || end.kind === 'held') return 'so far';
  if (fit.end === undefined) return 'and no RST was heard';
  return end.heard ? 'then RST' : 'then it was given up';
}

/** Until the next one is overdue; where the RST would be heard, one of them may be lost. */
function nextProbe(seen: Sightings, { idle, interval }: KeepaliveFit): NextStep {
  const last = seen.segments.at(-1);
  // Answered probes come max(idle, interval) apart: none on the vanished one is later than that.
  const [quietGap] = gapsBetween(seen.quiet.probes);
  const longestMs = interval?.max ?? quietGap?.max;
  if (last === undefined || longestMs === undefined) return WATCH;
  const sleeps = seen.engine === 'min-ttl' ? 1 : 2;
  return overdueAt(
    seen,
    last.max + sleeps * (longestMs + granuleMs(longestMs, undefined)),
    interval && { min: last.min + interval.min, max: idle.max + MOST_PROBES * interval.max },
  );
}
