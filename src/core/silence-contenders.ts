/** What a program notices by itself: nothing was received for so long. */
import { lastWordOf, type Contender } from './contender.js';
import { FIRST_RETRANSMISSION_MS, retransmissionDeath } from './retransmission-timer.js';
import { bytePeriodMs, peerGoesOn, silenceBeforeDrop, type Situation } from './situation.js';
import { addSpans, ZERO, type Span } from './timer-wheel.js';

/** Heartbeat and idle timeout: last received byte + T, whoever is to blame for the silence. */
export function silenceContenders(situation: Situation): readonly Contender[] {
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
