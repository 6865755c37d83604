/**
 * What a vanish log tells of the server. Pure, and asked at any moment: of a log that still grows the
 * answer is what has been seen so far, and `next` says what the rest waits for.
 *
 * A mechanism is named only when each part of its evidence is there. What ends both connections is
 * not about the vanishing; what ends the vanished one alone is, and what came before tells by what.
 * The engines and the kernel's rules: tcp_keepalive_timer and tcp_retransmit_timer in
 * net/ipv4/tcp_timer.c.
 */
import type { Span } from '../core/timer-wheel.js';
import type { VanishLog } from '../core/vanish-log.js';
import type {
  Estimate,
  Inference,
  MechanismKind,
  QuietEnd,
  SettingName,
} from '../core/vanish-inference.js';
import { bothClosed, endedAlone } from './closed.js';
import { estimate, sinceWord } from './estimate.js';
import {
  AT_ONCE_MS,
  counted,
  DONE,
  nearest,
  overdueAt,
  sameRoundMs,
  WATCH,
  type Finding,
} from './finding.js';
import { keepaliveFit } from './keepalive-fit.js';
import { probed } from './probed.js';
import { sightings, untilMs, type Ending, type Sightings } from './sightings.js';
import { afterData, isRepeated, nextRetransmission, unanswered } from './unanswered.js';

const NOTHING_INFERRED = { idleMs: null, intervalMs: null, count: null };

export function infer(log: VanishLog): Inference {
  const seen = decisive(log);
  const { end, lastWordWithinMs } = seen;
  const noticed = end !== undefined && end.kind !== 'held';
  const found = find(seen);
  const { mechanism, candidates = [], evidence, inferred, how, next } = found;
  const gaveUp = gaveUpAt(seen, found);
  return {
    noticed,
    noticedAfterMs: gaveUp && sinceWord(gaveUp, lastWordWithinMs.vanished),
    how: noticed ? (how ?? howHeard(seen, end)) : null,
    mechanism,
    candidates,
    evidence,
    inferred: {
      settings: settingsOf([mechanism, ...candidates], inferred),
      ...NOTHING_INFERRED,
      ...inferred,
    },
    quiet: quietEnd(seen),
    // Who was asked has answered.
    next: end === undefined || end.heard ? next : DONE,
  };
}

/** What ends a connection to which data is under way. */
const OF_DATA: ReadonlySet<MechanismKind> = new Set([
  'heartbeat',
  'send-timeout',
  'retransmission',
]);

/** From the first data that nobody acknowledged until it was given up; null: that was not seen. */
export function unansweredFor(log: VanishLog): Estimate | null {
  const seen = decisive(log);
  const found = find(seen);
  const end = gaveUpAt(seen, found);
  const sent = firstData(sightings(log));
  if (end === null || sent === undefined || !OF_DATA.has(found.mechanism)) return null;
  const span = { min: Math.max(0, end.min - sent.max), max: Math.max(0, end.max - sent.min) };
  return estimate(span, Math.min(Math.max(end.ms - sent.max, span.min), span.max));
}

/** The part of a log that counts: what happens long after the end has nothing to do with it. */
function decisive(log: VanishLog): Sightings {
  const { end } = sightings(log);
  if (end === undefined) return sightings(log);
  const then = sightings(untilMs(log, end.at.max));
  if (!end.heard) return then;
  const laterMs = keepaliveFit(then) === undefined ? sameRoundMs(end.at.max) : AT_ONCE_MS;
  return sightings(untilMs(log, end.at.max + laterMs));
}

function find(seen: Sightings): Finding {
  const { quiet, segments, end, load } = seen;
  if (quiet.data.length > 0) return afterData(seen);
  if (quiet.end !== undefined) return bothClosed(seen, quiet.end.at);
  const keepalive = keepaliveFit(seen);
  if (keepalive !== undefined) return probed(seen, keepalive);
  if (load === 'write' && isRepeated(seen)) return unanswered(seen);
  if (end !== undefined && end.kind !== 'held') return endedAlone(seen, end);
  if (segments.length > 0 || quiet.probes.length > 0) return unexplained(seen);
  return {
    mechanism: 'none-seen',
    evidence: 'the server sent nothing on either connection',
    next: WATCH,
  };
}

/** Segments that do not fit together, or not yet. */
function unexplained(seen: Sightings): Finding {
  const { segments, quiet, engine } = seen;
  const last = segments.at(-1);
  const isProbed = quiet.probes.length > 0;
  // A single one that nobody repeats may have been its RST.
  const mayBeReset = engine === 'min-ttl' && !isProbed && segments.length === 1;
  return {
    mechanism: 'ambiguous',
    candidates: isProbed
      ? ['keepalive']
      : ['keepalive', 'heartbeat', 'send-timeout', 'retransmission'],
    evidence:
      last === undefined
        ? 'only the quiet one was probed'
        : `${counted(segments.length, 'segment')} came to the vanished one, and ${
            isProbed ? 'the quiet one was probed at other times' : 'none to the quiet one'
          }`,
    next:
      last !== undefined && mayBeReset
        ? overdueAt(seen, last.max + sameRoundMs(last.max))
        : nextRetransmission(seen),
  };
}

/** Those that were seen anyway are of data that the server sends on its own. */
function settingsOf(
  mechanisms: readonly MechanismKind[],
  inferred: Finding['inferred'],
): readonly SettingName[] {
  return SETTINGS.filter(
    (name) =>
      mechanisms.some((each) => HAS[each].includes(name)) || (inferred?.[name] ?? null) !== null,
  );
}

const SETTINGS: readonly SettingName[] = ['idleMs', 'intervalMs', 'count'];

const HAS: Readonly<Record<MechanismKind, readonly SettingName[]>> = {
  keepalive: SETTINGS,
  'idle-timeout': ['idleMs'],
  heartbeat: ['idleMs', 'intervalMs'],
  'send-timeout': [],
  retransmission: [],
  'none-seen': [],
  ambiguous: [],
};

/** By the clock of the vanished one; null: it did not, as far as is known. */
function gaveUpAt(seen: Sightings, { gaveUp }: Finding): Estimate | null {
  const { end } = seen;
  if (end === undefined || end.kind === 'held') return null;
  return gaveUp ?? estimate(endedAt(seen, end));
}

/** As far as the end itself tells: when it was heard, or since the last segment. */
function endedAt({ segments }: Sightings, { at, heard }: Ending): Span {
  return heard ? at : { min: segments.at(-1)?.min ?? 0, max: at.max };
}

/** A keepalive may have probed before: data came when the quiet one got its own. */
function firstData({ load, segments, quiet }: Sightings): Span | undefined {
  const [said] = quiet.data;
  return load === 'write' || said === undefined ? segments.at(0) : nearest(segments, said);
}

function howHeard({ engine }: Sightings, { kind }: Ending): Inference['how'] {
  if (kind === 'fin') return 'FIN';
  if (kind === 'reset') return 'RST';
  return engine === 'min-ttl' ? 'unknown' : 'silently';
}

function quietEnd({ quiet, lastWordWithinMs }: Sightings): QuietEnd {
  const segments = { probes: quiet.probes.length, dataSegments: quiet.data.length };
  if (quiet.end === undefined) return { kind: 'open', ...segments };
  const { by, at } = quiet.end;
  return {
    kind: 'closed',
    by,
    afterMs: sinceWord(estimate(at), lastWordWithinMs.quiet),
    ...segments,
  };
}
