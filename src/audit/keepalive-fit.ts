/** Whether probes of a keepalive are what was seen of a server's kernel, and with which settings. */
import type { Span } from '../core/timer-wheel.js';
import { armedWith, intersection, rhythm } from './rhythm.js';
import type { WatchedName } from '../core/vanish-log.js';
import type { Sightings } from './sightings.js';

export interface KeepaliveFit {
  readonly idle: Span;
  /** Undefined after one probe. */
  readonly interval: Span | undefined;
  /** Until it gave up; undefined while it has not, and when some may have been lost on their way. */
  readonly count: number | undefined;
  /** Probes that came to the vanished one: with the minimum TTL the RST that ends it may be one of them. */
  readonly probes: number;
  /** Some of them were lost on their way. */
  readonly lossy: boolean;
  /** When it gave up. */
  readonly end: Span | undefined;
}

/**
 * Undefined where the evidence is not whole: the quiet one is probed when the vanished one is, there
 * is no data, the probes come at one interval, and at that interval comes the RST.
 */
export function keepaliveFit({
  engine,
  segments,
  sawData,
  end,
  quiet,
  rttMs,
  lastWordWithinMs,
}: Sightings): KeepaliveFit | undefined {
  const [first] = segments;
  const [quietFirst] = quiet.probes;
  if (first === undefined || quietFirst === undefined) return undefined;
  if (sawData || quiet.data.length > 0 || end?.kind === 'fin') return undefined;
  const reset = end?.kind === 'reset' ? end.at : undefined;
  const timers = reset === undefined ? segments : [...segments, reset];
  const beats = rhythm(timers, rttMs);
  if (beats === undefined && timers.length > 1) return undefined;

  const firsts = {
    vanished: { took: first, wordWithinMs: lastWordWithinMs.vanished },
    quiet: { took: quietFirst, wordWithinMs: lastWordWithinMs.quiet },
  };
  const idle = idleOf(firsts, beats?.interval, rttMs);
  if (idle === undefined) return undefined;
  const hiddenReset = engine === 'min-ttl' && end?.kind === 'gone';
  if (hiddenReset && segments.length < 2) return undefined;
  const probes = segments.length;
  const lossy = idle.lossy || (beats?.missed ?? 0) > 0;
  const given = hiddenReset ? probes - 1 : reset === undefined ? undefined : probes;
  return {
    idle: idle.span,
    interval: beats?.interval,
    count: lossy ? undefined : given,
    probes,
    lossy,
    end: hiddenReset ? segments.at(-1) : reset,
  };
}

/** The first probe of a connection, since its last word was seen, which left that much before. */
interface First {
  readonly took: Span;
  readonly wordWithinMs: number;
}

/** What the first timer was armed with: a whole round trip comes on top, a longer one perhaps. */
function sinceLastWord({ took, wordWithinMs }: First, rttMs: number): Span {
  const { min, max } = armedWith(took, rttMs);
  return { min: Math.max(0, min - rttMs), max: max + wordWithinMs };
}

/** Both connections are probed for the first time after the same silence, but for a lost probe. */
function idleOf(
  { vanished, quiet }: Readonly<Record<WatchedName, First>>,
  interval: Span | undefined,
  rttMs: number,
): { readonly span: Span; readonly lossy: boolean } | undefined {
  const both = intersection(sinceLastWord(vanished, rttMs), sinceLastWord(quiet, rttMs));
  if (both !== undefined) return { span: both, lossy: false };
  if (interval === undefined) return undefined;
  const [early, late] = vanished.took.max < quiet.took.max ? [vanished, quiet] : [quiet, vanished];
  const apart = {
    min: late.took.min - early.took.max - early.wordWithinMs,
    max: late.took.max - early.took.min + late.wordWithinMs,
  };
  const isMultiple = [1, 2, 3].some(
    (lost) =>
      intersection(armedWith({ min: apart.min / lost, max: apart.max / lost }, rttMs), interval) !==
      undefined,
  );
  return isMultiple ? { span: sinceLastWord(early, rttMs), lossy: true } : undefined;
}
