/**
 * What each mode will do, before anything is measured. Every part of a mode is a contender with a
 * span of its own; the earliest decides.
 */
import type { Fault, Load, Observer } from './condition.js';
import {
  FIRST_RETRANSMISSION_MS,
  keepaliveDeath,
  retransmissionDeath,
  type Hz,
  type Span,
} from './kernel-timers.js';
import type { KeepaliveSettings, Mode } from './mode.js';
import type { Sysctls } from './sysctl.js';

export type Prediction =
  | {
      readonly kind: 'interval';
      readonly fromDropMs: Span;
      /** Phase-free: from the last received segment (idle) or the unanswered write (write). */
      readonly fromLastActivityMs: Span;
      readonly rule: string;
    }
  | { readonly kind: 'never'; readonly rule: string };

export interface Situation {
  readonly mode: Mode;
  readonly load: Load;
  readonly fault: Fault;
  readonly observer: Observer;
  /** Until the drop the peer also sends a frame that often; undefined: only what the mode sends. */
  readonly frameEveryMs?: number | undefined;
  /** The longest that a connection has been silent when the drop comes; undefined: any phase. */
  readonly longestSilenceMs?: number;
  readonly sysctls: Sysctls;
  readonly hz: Hz;
}

interface Contender {
  readonly fromDrop: Span;
  readonly fromLastActivity: Span;
  readonly rule: string;
}

export function predict(situation: Situation): Prediction {
  const contenders = contendersOf(situation);
  const [first] = contenders;
  if (first === undefined) return { kind: 'never', rule: whyNever(situation) };
  const winner = contenders.reduce((best, each) =>
    each.fromDrop.max < best.fromDrop.max ? each : best,
  );
  return {
    kind: 'interval',
    fromDropMs: earliestOf(contenders.map((each) => each.fromDrop)),
    fromLastActivityMs: earliestOf(contenders.map((each) => each.fromLastActivity)),
    rule: winner.rule,
  };
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

/** The same between two received bytes: the answer to a keepalive probe carries none. */
function bytePeriodMs({ heartbeat }: Mode, frameEveryMs: number | undefined): number | undefined {
  if (heartbeat === undefined) return frameEveryMs;
  return Math.min(heartbeat.intervalMs, frameEveryMs ?? Infinity);
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

function contendersOf(situation: Situation): readonly Contender[] {
  switch (situation.fault) {
    case 'close':
      return [announced("the peer's FIN arrives")];
    case 'reset':
      return [announced("the peer's RST arrives")];
    case 'freeze':
      return silenceContenders(situation);
    case 'blackhole':
      return [...silenceContenders(situation), ...kernelContenders(situation)];
  }
}

/** Heartbeat and idle timeout: last received byte + T, whoever is to blame for the silence. */
function silenceContenders(situation: Situation): readonly Contender[] {
  const { mode } = situation;
  const silence = silenceBeforeDrop(situation, bytePeriodMs(mode, situation.frameEveryMs));
  const contenders: Contender[] = [];
  if (mode.heartbeat !== undefined) {
    contenders.push(
      silenceContender(
        situation,
        silence,
        mode.heartbeat.timeoutMs,
        'timeout after the last received byte',
      ),
    );
  }
  if (mode.idleTimeoutMs !== undefined) {
    contenders.push(
      silenceContender(
        situation,
        silence,
        mode.idleTimeoutMs,
        'idle timeout after the last received byte',
      ),
    );
  }
  return contenders;
}

function silenceContender(
  { load }: Situation,
  silenceMs: number,
  timeoutMs: number,
  rule: string,
): Contender {
  const fromDrop = { min: Math.max(0, timeoutMs - silenceMs), max: timeoutMs };
  const fromLastActivity = load === 'write' ? fromDrop : { min: timeoutMs, max: timeoutMs };
  return { fromDrop, fromLastActivity, rule };
}

function kernelContenders(situation: Situation): readonly Contender[] {
  const { mode, load, observer, sysctls, hz } = situation;
  if (load === 'write') return [retransmissionContender(situation, { min: 0, max: 0 })];
  // An observer that beats puts data in flight soon after the drop: keepalive is off from then on.
  const beatMs = observer === 'client' ? mode.heartbeat?.intervalMs : undefined;
  const keepalive = tunedKeepalive(mode, sysctls);
  const contenders: Contender[] = [];
  if (keepalive !== undefined) {
    const silenceMs = silenceBeforeDrop(situation, periodMs(situation, sysctls));
    const states = [false, true].map((answeredBefore) => {
      const death = keepaliveDeath(keepalive, mode.userTimeoutMs, answeredBefore, hz);
      const firstProbeSeconds = answeredBefore
        ? Math.max(keepalive.idleSeconds, keepalive.intervalSeconds)
        : keepalive.idleSeconds;
      return { death, soonest: death.min - Math.min(silenceMs, firstProbeSeconds * 1000) };
    });
    const latest =
      beatMs === undefined ? Math.max(...states.map((state) => state.death.max)) : Infinity;
    contenders.push({
      fromDrop: { min: Math.min(...states.map((state) => state.soonest)), max: latest },
      fromLastActivity: { min: Math.min(...states.map((state) => state.death.min)), max: latest },
      rule:
        mode.userTimeoutMs === undefined
          ? 'idle + count × interval after the last received segment'
          : 'the first keepalive timer after the user timeout; the count is ignored',
    });
  }
  if (beatMs !== undefined) {
    contenders.push(retransmissionContender(situation, { min: 0, max: beatMs }));
  }
  return contenders;
}

/** @param writtenAt the unanswered write, from the drop; a beat is also that long after the last one's echo. */
function retransmissionContender(
  { mode, load, observer, sysctls, hz }: Situation,
  writtenAt: Span,
): Contender {
  // An observer that beats may send a beat after the write, or a second one after the first.
  const beatMs = observer === 'client' ? mode.heartbeat?.intervalMs : undefined;
  const followed = beatMs !== undefined && (load === 'write' || beatMs <= FIRST_RETRANSMISSION_MS);
  const span = retransmissionDeath(sysctls.tcp_retries2, mode.userTimeoutMs, followed, hz);
  const fromDrop = { min: writtenAt.min + span.min, max: writtenAt.max + span.max };
  return {
    fromDrop,
    fromLastActivity: fromDrop,
    rule:
      mode.userTimeoutMs === undefined
        ? 'tcp_retries2 retransmissions of the unanswered write; keepalive is off meanwhile'
        : 'user timeout after the first retransmission of the unanswered write',
  };
}

function announced(rule: string): Contender {
  return { fromDrop: { min: 0, max: 0 }, fromLastActivity: { min: 0, max: 0 }, rule };
}

/** How old the last received segment can be at the drop. */
function silenceBeforeDrop({ longestSilenceMs }: Situation, period: number | undefined): number {
  return Math.min(longestSilenceMs ?? Infinity, period ?? Infinity);
}

function whyNever({ mode, fault }: Situation): string {
  if (fault === 'freeze') return "the peer's kernel goes on acknowledging for its stopped process";
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
