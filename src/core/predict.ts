/**
 * What each mode will do, before anything is measured. Every part of a mode is a contender with a
 * span of its own; the earliest decides.
 */
import {
  faultKind,
  lossShare,
  healsAfterMs,
  stillAcknowledges,
  type Fault,
  type Load,
  type Observer,
} from './condition.js';
import { connectDeath } from './connect-timer.js';
import { keepaliveDeath } from './keepalive-timer.js';
import type { KeepaliveSettings, Mode } from './mode.js';
import { FIRST_RETRANSMISSION_MS, retransmissionDeath } from './retransmission-timer.js';
import type { Sysctls } from './sysctl.js';
import { addSpans, union, ZERO, type Dying, type Hz, type Span } from './timer-wheel.js';
import { zeroWindowAliveDeath, zeroWindowDeath } from './zero-window-timer.js';

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

export interface Situation {
  readonly mode: Mode;
  readonly load: Load;
  readonly fault: Fault;
  readonly observer: Observer;
  /** Until the drop the peer also sends a frame that often; undefined: only what the mode sends. */
  readonly frameEveryMs?: number | undefined;
  /** The longest that a connection has been silent when the drop comes; undefined: any phase. */
  readonly longestSilenceMs?: number;
  /** Round trip of the path; default: a LAN's, far below a tick. */
  readonly rttMs?: number;
  readonly sysctls: Sysctls;
  readonly hz: Hz;
}

/** Something that will end the connection, and what it sends until then. */
export interface Contender {
  readonly fromDrop: Span;
  readonly fromLastActivity: Span;
  readonly rule: string;
  /** From the drop: when the last segment leaves whose answer would still prevent the verdict. */
  readonly lastWord: Span;
  readonly schedule: Schedule;
}

export interface Schedule {
  /** What leaves at those moments. */
  readonly what: 'probe' | 'retransmission' | 'SYN' | 'nothing';
  readonly since: string;
  readonly sent: readonly Span[];
  readonly death: Span;
}

/** From when a zero-window timer is seen to be armed to the drop. */
const ZERO_WINDOW_READY_MS = 100;

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

/** How long a healthy connection in this mode is silent at most between two received segments. */
export function periodMs(
  { mode, frameEveryMs }: Pick<Situation, 'mode' | 'frameEveryMs'>,
  sysctls: Sysctls,
): number | undefined {
  const keepalive = tunedKeepalive(mode, sysctls);
  const periods = [
    bytePeriodMs(mode, frameEveryMs),
    keepalive === undefined
      ? undefined
      : Math.max(keepalive.idleSeconds, keepalive.intervalSeconds) * 1000,
  ].filter((period) => period !== undefined);
  return periods.length === 0 ? undefined : Math.min(...periods);
}

/** The keepalive triple in force, `system` resolved; undefined: keepalive is off. */
export function tunedKeepalive(mode: Mode, sysctls: Sysctls): KeepaliveSettings | undefined {
  if (mode.keepalive !== 'system') return mode.keepalive;
  return {
    idleSeconds: sysctls.tcp_keepalive_time,
    intervalSeconds: sysctls.tcp_keepalive_intvl,
    count: sysctls.tcp_keepalive_probes,
  };
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

/** How long it is silent at most between two received bytes: the answer to a keepalive probe carries none. */
export function bytePeriodMs(
  { heartbeat }: Mode,
  frameEveryMs: number | undefined,
): number | undefined {
  if (heartbeat === undefined) return frameEveryMs;
  return Math.min(heartbeat.intervalMs, frameEveryMs ?? Infinity);
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

/** The last that surely leaves before the end, and the last that may; `lead`: from the drop to the origin. */
function lastWordOf({ sent, death }: Dying, lead: Span): Span {
  const [sure, last] = [sent.findLast(({ max }) => max < death.min), sent.at(-1)];
  return { min: (sure ?? ZERO).min + lead.min, max: (last ?? ZERO).max + lead.max };
}

/** Heartbeat and idle timeout: last received byte + T, whoever is to blame for the silence. */
function silenceContenders(situation: Situation): readonly Contender[] {
  const { mode, load } = situation;
  if (load === 'connect') return [];
  const rows = [
    [mode.heartbeat?.timeoutMs, 'timeout after the last received byte'],
    [mode.idleTimeoutMs, 'idle timeout after the last received byte'],
  ] as const;
  return rows.flatMap(([timeoutMs, rule]) =>
    timeoutMs === undefined ? [] : [silenceContender(situation, timeoutMs, rule)],
  );
}

function silenceContender(situation: Situation, timeoutMs: number, rule: string): Contender {
  const { mode, frameEveryMs, load } = situation;
  const periodOfBytes = bytePeriodMs(mode, frameEveryMs);
  const silence = silenceBeforeDrop(situation, periodOfBytes);
  const goesOn = peerGoesOn(situation) ? arrivesAfterDrop(periodOfBytes) : undefined;
  const fromDrop =
    goesOn === undefined
      ? { min: Math.max(0, timeoutMs - silence), max: timeoutMs }
      : { min: timeoutMs, max: timeoutMs + goesOn };
  const exact = { min: timeoutMs, max: timeoutMs };
  const fromLastActivity = load === 'idle' ? exact : fromDrop;
  const sent = periodOfBytes === undefined ? [] : comeBack(situation, periodOfBytes, timeoutMs);
  return {
    fromDrop,
    fromLastActivity,
    rule,
    lastWord: lastWordOf({ sent, death: exact }, { min: fromDrop.min - timeoutMs, max: 0 }),
    schedule: { what: 'nothing', since: 'the last received byte', sent, death: exact },
  };
}

/** Only the peer is cut, and it sends of its own: what it sends still arrives. */
function peerGoesOn({ fault, observer, mode, frameEveryMs }: Situation): boolean {
  const sends =
    (observer === 'server' && mode.heartbeat !== undefined) || frameEveryMs !== undefined;
  return faultKind(fault) === 'to-peer' && sends;
}

/** Until the peer's first retransmission shrinks its window to what is already in flight. */
function arrivesAfterDrop(period = 0): number {
  return period + (period < FIRST_RETRANSMISSION_MS ? FIRST_RETRANSMISSION_MS : 0);
}

/** What is lost just after the drop comes back with TCP's back-off: when, from the byte before it. */
function comeBack(
  { sysctls, rttMs = 0, mode, hz }: Situation,
  intervalMs: number,
  timeoutMs: number,
): readonly Span[] {
  const lost = retransmissionDeath(
    {
      retries2: sysctls.tcp_retries2,
      rtoMaxMs: mode.rtoMaxMs ?? sysctls.tcp_rto_max_ms,
      userTimeoutMs: undefined,
      rttMs,
      inFlight: 'one',
    },
    hz,
  );
  const beat = { min: intervalMs, max: intervalMs };
  return [ZERO, ...lost.sent].map((at) => addSpans(beat, at)).filter(({ max }) => max < timeoutMs);
}

/** Frozen or relayed, the peer's end answers every window probe: only a user timeout counts on. */
function answeredWindowContenders(situation: Situation): readonly Contender[] {
  if (situation.load !== 'zero-window') return [];
  const dying = zeroWindowAliveDeath(blocked(situation), situation.hz);
  return dying === undefined ? [] : [windowContender(dying, situation)];
}

function kernelContenders(situation: Situation): readonly Contender[] {
  const { mode, load, observer, hz } = situation;
  if (load === 'connect') return [connectContender(situation)];
  if (load === 'zero-window') {
    return [windowContender(zeroWindowDeath(blocked(situation), hz), situation)];
  }
  if (load === 'write') return [retransmissionContender(situation, ZERO)];
  // Data is soon in flight where the observer beats, or echoes what a cut peer still sends:
  // keepalive is off from then on.
  const period = bytePeriodMs(mode, situation.frameEveryMs);
  const beats = observer === 'client' ? mode.heartbeat?.intervalMs : undefined;
  const beatMs = beats ?? (peerGoesOn(situation) ? period : undefined);
  return [
    ...keepaliveContenders(situation, beatMs !== undefined),
    ...(beatMs === undefined ? [] : [retransmissionContender(situation, { min: 0, max: beatMs })]),
  ];
}

function keepaliveContenders(situation: Situation, dataFollows: boolean): readonly Contender[] {
  const { mode, sysctls, hz } = situation;
  const keepalive = tunedKeepalive(mode, sysctls);
  if (keepalive === undefined) return [];
  const silenceMs = silenceBeforeDrop(situation, periodMs(situation, sysctls));
  const states = [false, true].map((answeredBefore) => {
    const dying = keepaliveDeath(keepalive, mode.userTimeoutMs, answeredBefore, hz);
    const firstProbeSeconds = answeredBefore
      ? Math.max(keepalive.idleSeconds, keepalive.intervalSeconds)
      : keepalive.idleSeconds;
    return { dying, soonest: dying.death.min - Math.min(silenceMs, firstProbeSeconds * 1000) };
  });
  const deaths = union(states.map(({ dying }) => dying.death));
  const latest = dataFollows ? Infinity : deaths.max;
  const sents = states.map(({ dying }) => dying.sent);
  const sent = (sents[0] ?? []).map((_, at) => union(sents.flatMap((each) => each[at] ?? [])));
  return [
    {
      fromDrop: { min: Math.min(...states.map((state) => state.soonest)), max: latest },
      fromLastActivity: { min: deaths.min, max: latest },
      rule:
        mode.userTimeoutMs === undefined
          ? 'idle + count × interval after the last received segment'
          : 'the first keepalive timer after the user timeout; the count is ignored',
      lastWord: lastWordOf(
        { sent, death: deaths },
        { min: Math.min(...states.map((state) => state.soonest)) - deaths.min, max: 0 },
      ),
      schedule: { what: 'probe', since: 'the last received segment', sent, death: deaths },
    },
  ];
}

/** @param writtenAt the unanswered write, from the drop; a beat is also that long after the last one's echo. */
function retransmissionContender(situation: Situation, writtenAt: Span): Contender {
  const { mode, load, observer, sysctls, rttMs = 0, hz } = situation;
  // An observer that beats may send a beat after the write, or a second one after the first.
  const beatMs = observer === 'client' ? mode.heartbeat?.intervalMs : undefined;
  const followed = beatMs !== undefined && (load === 'write' || beatMs <= FIRST_RETRANSMISSION_MS);
  const { death, sent } = retransmissionDeath(
    {
      retries2: sysctls.tcp_retries2,
      rtoMaxMs: rtoMax(situation),
      userTimeoutMs: mode.userTimeoutMs,
      rttMs,
      inFlight: followed || peerGoesOn(situation) ? 'either' : 'one',
    },
    hz,
  );
  const fromDrop = addSpans(writtenAt, death);
  return {
    fromDrop,
    fromLastActivity: fromDrop,
    rule:
      mode.userTimeoutMs === undefined
        ? 'tcp_retries2 retransmissions of the unanswered write; keepalive is off meanwhile'
        : 'user timeout after the first retransmission of the unanswered write',
    lastWord: lastWordOf({ sent, death }, writtenAt),
    schedule: { what: 'retransmission', since: 'the unanswered write', sent, death },
  };
}

function windowContender({ death, sent }: Dying, { mode }: Situation): Contender {
  const fromDrop = { min: Math.max(0, death.min - ZERO_WINDOW_READY_MS), max: death.max };
  return {
    fromDrop,
    fromLastActivity: fromDrop,
    rule:
      mode.userTimeoutMs === undefined
        ? 'tcp_retries2 unanswered window probes, and one more timer'
        : 'user timeout after the first window probe, answered or not',
    lastWord: lastWordOf({ sent, death }, { min: -ZERO_WINDOW_READY_MS, max: 0 }),
    schedule: { what: 'probe', since: 'the closing of the window', sent, death },
  };
}

function connectContender(situation: Situation): Contender {
  const { mode, sysctls, hz } = situation;
  const { death, sent } = connectDeath(
    {
      synRetries: sysctls.tcp_syn_retries,
      linearTimeouts: sysctls.tcp_syn_linear_timeouts,
      rtoMaxMs: rtoMax(situation),
      userTimeoutMs: mode.userTimeoutMs,
    },
    hz,
  );
  return {
    fromDrop: death,
    fromLastActivity: death,
    rule:
      mode.userTimeoutMs === undefined
        ? 'tcp_syn_retries after the tcp_syn_linear_timeouts first SYNs; keepalive is not on yet'
        : 'user timeout after the first SYN',
    lastWord: lastWordOf({ sent, death }, ZERO),
    schedule: { what: 'SYN', since: 'the first SYN', sent, death },
  };
}

function blocked(situation: Situation) {
  return {
    retries2: situation.sysctls.tcp_retries2,
    rtoMaxMs: rtoMax(situation),
    userTimeoutMs: situation.mode.userTimeoutMs,
    rttMs: situation.rttMs ?? 0,
  };
}

function rtoMax({ mode, sysctls }: Situation): number {
  return mode.rtoMaxMs ?? sysctls.tcp_rto_max_ms;
}

function announced(rule: string): Contender {
  const schedule = { what: 'nothing' as const, since: 'the goodbye', sent: [], death: ZERO };
  return { fromDrop: ZERO, fromLastActivity: ZERO, rule, lastWord: ZERO, schedule };
}

/** How old the last received segment can be at the drop. */
function silenceBeforeDrop({ longestSilenceMs }: Situation, period: number | undefined): number {
  return Math.min(longestSilenceMs ?? Infinity, period ?? Infinity);
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
