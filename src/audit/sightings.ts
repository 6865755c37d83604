/** A vanish log, sorted by what its events say: what came before the end, the end, and what the quiet one saw. */
import type { Span } from '../core/timer-wheel.js';
import type { VanishEvent, VanishLog } from '../core/vanish-log.js';

/** A goodbye in words ("421 timeout") comes that long before the FIN, at most. */
export const FAREWELL_MS = 250;

/**
 * What comes so early is the acknowledgement of the last word: no keepalive is that short, it takes
 * whole seconds (TCP_KEEPIDLE, tcp(7)).
 */
const SETTLED_MS = 500;

export interface Ending {
  readonly kind: 'fin' | 'reset' | 'gone' | 'held';
  readonly at: Span;
  /** When it happened; otherwise it was learnt later, by asking. */
  readonly heard: boolean;
}

export interface Sightings {
  readonly engine: VanishLog['engine'];
  readonly load: VanishLog['load'];
  readonly rttMs: number;
  readonly lastWordWithinMs: VanishLog['lastWordWithinMs'];
  readonly watchedMs: number;
  /** Of the vanished one. */
  readonly segments: readonly Span[];
  /** Whether data was among them for certain. */
  readonly sawData: boolean;
  readonly end: Ending | undefined;
  readonly quiet: {
    readonly probes: readonly Span[];
    /** Without farewells. */
    readonly data: readonly Span[];
    readonly end: { readonly by: 'RST' | 'FIN'; readonly at: Span } | undefined;
  };
}

export function sightings(log: VanishLog): Sightings {
  const vanished = log.events.filter(
    ({ connection, kind }) => connection === 'vanished' && kind !== 'asked',
  );
  const watched = log.events.filter(({ connection }) => connection === 'quiet');
  const ending = vanished.find(({ kind }) => isEnding(kind));
  const quietEnding = watched.find(({ kind }) => kind === 'fin' || kind === 'reset');
  const quiet = before(watched, quietEnding);
  const segments = before(vanished, ending)
    .filter(({ atMs }) => log.liftedAtMs === null || atMs <= log.liftedAtMs)
    .filter(({ kind, atMs }) => kind === 'data' || log.load === 'write' || atMs > SETTLED_MS);
  return {
    engine: log.engine,
    load: log.load,
    rttMs: log.rttMs,
    lastWordWithinMs: log.lastWordWithinMs,
    watchedMs: log.watchedMs,
    segments: segments.map(momentOf),
    sawData: segments.some(({ kind }) => kind === 'data'),
    end: ending && endOf(ending, log),
    quiet: {
      probes: quiet.filter(({ kind, atMs }) => kind === 'bare' && atMs > SETTLED_MS).map(momentOf),
      data: quiet
        .filter(({ kind }) => kind === 'data')
        .map(momentOf)
        .filter(({ max }) => !isFarewell(max, quietEnding) && !isFarewell(max, ending)),
      end: quietEnding && {
        by: quietEnding.kind === 'fin' ? 'FIN' : 'RST',
        at: momentOf(quietEnding),
      },
    },
  };
}

/** Without what the quiet one saw after that moment. */
export function untilMs(log: VanishLog, ms: number): VanishLog {
  return {
    ...log,
    watchedMs: Math.min(log.watchedMs, ms),
    events: log.events.filter(({ atMs }) => atMs <= ms),
  };
}

/** What comes after the end belongs to nothing any more. */
function before(
  events: readonly VanishEvent[],
  ending: VanishEvent | undefined,
): readonly VanishEvent[] {
  return ending === undefined ? events : events.slice(0, events.indexOf(ending));
}

/** It came before the look at which it was seen, and after the one before that. */
function momentOf({ atMs, withinMs }: VanishEvent): Span {
  return { min: Math.max(0, atMs - withinMs), max: atMs };
}

/** An RST that answers is one to a connection that is not known any more. */
function endOf(event: VanishEvent, { engine, liftedAtMs }: VanishLog): Ending | undefined {
  const { kind, atMs } = event;
  if (!isEnding(kind)) return undefined;
  const answered = engine === 'min-ttl' || (liftedAtMs !== null && atMs >= liftedAtMs);
  return {
    kind: kind === 'reset' && answered ? 'gone' : kind,
    at: momentOf(event),
    heard: !answered && kind !== 'gone' && kind !== 'held',
  };
}

function isEnding(kind: VanishEvent['kind']): kind is Ending['kind'] {
  return kind === 'fin' || kind === 'reset' || kind === 'gone' || kind === 'held';
}

function isFarewell(atMs: number, ending: VanishEvent | undefined): boolean {
  return ending !== undefined && atMs >= ending.atMs - ending.withinMs - FAREWELL_MS;
}
