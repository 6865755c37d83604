/** What the kernel notices: a probe, data, a window probe or a SYN that nobody answers. */
import { connectDeath } from './connect-timer.js';
import { lastWordOf, type Contender } from './contender.js';
import { keepaliveDeath } from './keepalive-timer.js';
import { FIRST_RETRANSMISSION_MS, retransmissionDeath } from './retransmission-timer.js';
import {
  bytePeriodMs,
  peerGoesOn,
  periodMs,
  silenceBeforeDrop,
  tunedKeepalive,
  type Situation,
} from './situation.js';
import { addSpans, union, ZERO, type Dying, type Span } from './timer-wheel.js';
import { zeroWindowAliveDeath, zeroWindowDeath } from './zero-window-timer.js';

export function kernelContenders(situation: Situation): readonly Contender[] {
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

/** Frozen or relayed, the peer's end answers every window probe: only a user timeout counts on. */
export function answeredWindowContenders(situation: Situation): readonly Contender[] {
  if (situation.load !== 'zero-window') return [];
  const dying = zeroWindowAliveDeath(blocked(situation), situation.hz);
  return dying === undefined ? [] : [windowContender(dying, situation)];
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

/** From when a zero-window timer is seen to be armed to the drop. */
const ZERO_WINDOW_READY_MS = 100;

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
