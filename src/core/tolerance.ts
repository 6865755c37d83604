/**
 * The other half of the truth: what a mode does to a connection that is healthy. How long the
 * network may be gone, at any phase, without an alarm; how often it alarms when it is gone longer;
 * and what the mode costs while nothing happens.
 */
import { bytePeriodMs, tunedKeepalive, type Situation } from './situation.js';
import { keepaliveDeath, sureProbes } from './keepalive-timer.js';
import { retransmissionDeath } from './retransmission-timer.js';
import { connectDeath } from './connect-timer.js';
import { zeroWindowDeath } from './zero-window-timer.js';
import type { Dying, Span } from './timer-wheel.js';

const MS_PER_HOUR = 3_600_000;

type Healthy = Pick<
  Situation,
  'mode' | 'load' | 'observer' | 'frameEveryMs' | 'rttMs' | 'sysctls' | 'hz'
>;

/** The longest outage that raises no alarm at any phase; `any`: none ever does. */
export type Tolerance = { readonly kind: 'any' } | { readonly kind: 'up-to'; readonly ms: number };

export function toleratedOutage(situation: Healthy): Tolerance {
  const ms = toleratedOutageMs(situation);
  return ms === Infinity ? { kind: 'any' } : { kind: 'up-to', ms };
}

/** The same in milliseconds; Infinity: none ever does. */
export function toleratedOutageMs(situation: Healthy): number {
  const { mode, load, sysctls, hz, frameEveryMs } = situation;
  const limits = [Infinity];
  if (load === 'connect') return lastSentMs(connect(situation));
  const keepalive = tunedKeepalive(mode, sysctls);
  if (load === 'idle' && keepalive !== undefined && !isBusy(situation)) {
    // The network may go right before a probe: only the probes after it count.
    const probes = sureProbes(keepalive, mode.userTimeoutMs, hz);
    limits.push((probes - 1) * keepalive.intervalSeconds * 1000);
  }
  if (load === 'write' || (load === 'idle' && isBusy(situation))) {
    limits.push(lastSentMs(unanswered(situation)));
  }
  if (load === 'zero-window') limits.push(lastSentMs(zeroWindow(situation)));
  if (mode.heartbeat !== undefined) {
    const { intervalMs, timeoutMs } = mode.heartbeat;
    limits.push(recoveredWithin(situation, timeoutMs - intervalMs));
  }
  if (mode.idleTimeoutMs !== undefined) {
    const period = mode.heartbeat?.intervalMs ?? frameEveryMs;
    // A quiet user is ended without any outage.
    limits.push(period === undefined ? 0 : recoveredWithin(situation, mode.idleTimeoutMs - period));
  }
  return Math.max(0, Math.min(...limits));
}

/**
 * The part of all phases, 0 to 1, at which an outage that long raises an alarm: at least `min`
 * with timers as late as they may be in the connection's favour, at most `max`.
 */
export function alarmShare(situation: Healthy, outage: number): Span {
  const { mode, load, observer, frameEveryMs } = situation;
  const period = bytePeriodMs(mode, frameEveryMs);
  const timeout = Math.min(mode.heartbeat?.timeoutMs ?? Infinity, mode.idleTimeoutMs ?? Infinity);
  const lastWord = lastSent(unanswered(situation));
  const beats = observer === 'client' && mode.heartbeat !== undefined;

  /** The first segment that is lost leaves `lostAt` after the network went. */
  const segmentAlarms = (lostAt: number, late: boolean): boolean => {
    if (lostAt >= outage || period === undefined) return false;
    const back = backAfter(situation, outage - lostAt, late);
    return (
      (timeout !== Infinity && period + back >= timeout) ||
      (beats && (late ? lastWord.max : lastWord.min) < outage - lostAt)
    );
  };
  const shares = [false, true].flatMap((late) => {
    const written = load === 'write' && (late ? lastWord.max : lastWord.min) < outage;
    const own = (phase: number) => written || segmentAlarms(phase * (period ?? 0), late);
    const probing = keepalivePhases(situation);
    return probing.length === 0
      ? [shareOf(own)]
      : probing.map(({ last, spreadMs }) =>
          shareOf(
            (phase) => own(phase) || (late ? last.max : last.min) - phase * spreadMs < outage,
          ),
        );
  });
  return { min: Math.min(...shares), max: Math.max(...shares) };
}

/** The last probe from the last received segment, whose age is anything up to the spread; by state. */
function keepalivePhases(
  situation: Healthy,
): readonly { readonly last: Span; readonly spreadMs: number }[] {
  const { mode, load, sysctls, hz } = situation;
  const keepalive = tunedKeepalive(mode, sysctls);
  if (load !== 'idle' || keepalive === undefined || isBusy(situation)) return [];
  const { idleSeconds, intervalSeconds } = keepalive;
  // Only where the interval is the longer one does it matter whether a probe was answered before.
  const states = intervalSeconds > idleSeconds ? [false, true] : [false];
  return states.flatMap((answeredBefore) => {
    const last = keepaliveDeath(keepalive, mode.userTimeoutMs, answeredBefore, hz).sent.at(-1);
    const spread = answeredBefore ? intervalSeconds : idleSeconds;
    return last === undefined ? [] : [{ last, spreadMs: spread * 1000 }];
  });
}

function lastSent({ sent }: Dying): Span {
  return sent.at(-1) ?? { min: Infinity, max: Infinity };
}

function shareOf(alarms: (phase: number) => boolean): number {
  const phases = Array.from({ length: PHASES }, (_, at) => (at + 0.5) / PHASES);
  return phases.filter(alarms).length / PHASES;
}

/** The same for a peer that is stopped and goes on: nothing is lost, so only the silence counts. */
export function pauseAlarmShare({ mode, frameEveryMs }: Healthy, pauseMs: number): Span {
  const period = bytePeriodMs(mode, frameEveryMs);
  const timeout = Math.min(mode.heartbeat?.timeoutMs ?? Infinity, mode.idleTimeoutMs ?? Infinity);
  if (period === undefined || timeout === Infinity) return { min: 0, max: 0 };
  const share = Math.min(1, Math.max(0, (pauseMs - (timeout - period)) / period));
  return { min: share, max: share };
}

const PHASES = 1000;

/** Packets in both directions an hour while nothing happens. */
export function packetsPerHour({ mode, load, sysctls, frameEveryMs }: Healthy): number {
  if (load === 'connect' || load === 'zero-window') return 0;
  const { heartbeat } = mode;
  // The beat, its echo, which acknowledges it, and the echo's own acknowledgement.
  const beats = heartbeat === undefined ? 0 : 3 * (MS_PER_HOUR / heartbeat.intervalMs);
  const frames = frameEveryMs === undefined ? 0 : 3 * (MS_PER_HOUR / frameEveryMs);
  const keepalive = tunedKeepalive(mode, sysctls);
  const busyMs = Math.min(heartbeat?.intervalMs ?? Infinity, frameEveryMs ?? Infinity);
  const everyMs =
    keepalive === undefined
      ? Infinity
      : Math.max(keepalive.idleSeconds, keepalive.intervalSeconds) * 1000;
  // A probe and its answer, unless something else arrives before the idle time is over.
  const idleMs = (keepalive?.idleSeconds ?? Infinity) * 1000;
  const probes = busyMs <= idleMs ? 0 : 2 * (MS_PER_HOUR / everyMs);
  return Math.round(beats + frames + probes);
}

/** Bytes come and go often enough that keepalive never gets its turn. */
function isBusy({ mode, observer, frameEveryMs, sysctls }: Healthy): boolean {
  const idleMs = (tunedKeepalive(mode, sysctls)?.idleSeconds ?? Infinity) * 1000;
  const beats = observer === 'client' ? mode.heartbeat?.intervalMs : undefined;
  return Math.min(beats ?? Infinity, frameEveryMs ?? Infinity) < idleMs;
}

/** The longest outage after which a lost segment is back within `silenceMs` of when it was sent. */
function recoveredWithin(situation: Healthy, silenceMs: number): number {
  const inTime = unansweredWithoutLimit(situation).sent.filter(({ max }) => max < silenceMs);
  return inTime.at(-1)?.min ?? 0;
}

/** How long after it was sent a lost segment is through, the network coming back after `goneMs`. */
function backAfter(situation: Healthy, goneMs: number, late: boolean): number {
  const { sent } = unansweredWithoutLimit(situation);
  const times = sent.map(({ min, max }) => (late ? max : min));
  return times.find((at) => at >= goneMs) ?? Infinity;
}

function unanswered({ mode, rttMs = 0, sysctls, hz }: Healthy): Dying {
  return retransmissionDeath(
    {
      retries2: sysctls.tcp_retries2,
      rtoMaxMs: mode.rtoMaxMs ?? sysctls.tcp_rto_max_ms,
      userTimeoutMs: mode.userTimeoutMs,
      rttMs,
      inFlight: 'one',
    },
    hz,
  );
}

function unansweredWithoutLimit(situation: Healthy): Dying {
  const { rtoMaxMs } = situation.mode;
  return unanswered({ ...situation, mode: rtoMaxMs === undefined ? {} : { rtoMaxMs } });
}

function zeroWindow({ mode, rttMs = 0, sysctls, hz }: Healthy): Dying {
  const { tcp_retries2: retries2, tcp_rto_max_ms } = sysctls;
  const rtoMaxMs = mode.rtoMaxMs ?? tcp_rto_max_ms;
  return zeroWindowDeath({ retries2, rtoMaxMs, userTimeoutMs: mode.userTimeoutMs, rttMs }, hz);
}

function connect({ mode, sysctls, hz }: Healthy): Dying {
  return connectDeath(
    {
      synRetries: sysctls.tcp_syn_retries,
      linearTimeouts: sysctls.tcp_syn_linear_timeouts,
      rtoMaxMs: mode.rtoMaxMs ?? sysctls.tcp_rto_max_ms,
      userTimeoutMs: mode.userTimeoutMs,
    },
    hz,
  );
}

/** The last that surely leaves before it is given up. */
function lastSentMs({ sent, death }: Dying): number {
  return sent.findLast(({ max }) => max < death.min)?.min ?? 0;
}
