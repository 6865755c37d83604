/** An idle connection with keepalive: tcp_keepalive_timer, net/ipv4/tcp_timer.c. */
import type { KeepaliveSettings } from './mode.js';
import { addSpans, sleepsSpan, type Dying, type Hz, type Span } from './timer-wheel.js';

/** A schedule is for people: nobody reads a hundred probes. */
const MOST_SENT = 1000;

/**
 * From the last received segment.
 *
 * With a user timeout the count is ignored: the connection dies at the first timer that finds
 * the silence at least that long and one probe out.
 *
 * @param answeredBefore an earlier probe was answered, so the timer was re-armed with the interval
 *   and the first unanswered probe leaves after max(idle, interval).
 */
export function keepaliveDeath(
  settings: KeepaliveSettings,
  userTimeoutMs: number | undefined,
  answeredBefore: boolean,
  hz: Hz,
): Dying {
  const idleMs = settings.idleSeconds * 1000;
  const intervalMs = settings.intervalSeconds * 1000;
  const untilProbe = answeredBefore ? firstProbeAfterAnswer(idleMs, intervalMs) : [idleMs];
  return dieProbing(sleepsSpan(untilProbe, hz), settings, userTimeoutMs, hz);
}

export interface Probing {
  readonly settings: KeepaliveSettings;
  readonly userTimeoutMs: number | undefined;
  /** Probes out and unanswered (tcpi_probes). */
  readonly probesOut: number;
  /** Since the last received segment. */
  readonly silentMs: number;
  /** Until the timer that is running fires. */
  readonly expiresInMs: number;
}

/** Of a connection that is in the middle of it: from now. */
export function keepaliveRest(state: Probing, hz: Hz): Dying {
  const { settings, userTimeoutMs, probesOut, silentMs, expiresInMs } = state;
  const next = sleepsSpan([expiresInMs], hz);
  if (userTimeoutMs === undefined) {
    const left = { ...settings, count: Math.max(0, settings.count - probesOut) };
    return dieProbing(next, left, undefined, hz);
  }
  const fromSilence = addSpans(next, { min: silentMs, max: silentMs });
  const { death, sent } = dieProbing(fromSilence, settings, userTimeoutMs, hz, probesOut > 0);
  const fromNow = { min: -silentMs, max: -silentMs };
  return { death: addSpans(death, fromNow), sent: sent.map((at) => addSpans(at, fromNow)) };
}

/** @param probeIsOut the timer that comes first may already be the one that gives up */
function dieProbing(
  firstTimer: Span,
  { intervalSeconds, count }: Pick<KeepaliveSettings, 'intervalSeconds' | 'count'>,
  userTimeoutMs: number | undefined,
  hz: Hz,
  probeIsOut = false,
): Dying {
  const interval = sleepsSpan([intervalSeconds * 1000], hz);
  const timer = (number: number): Span => ({
    min: firstTimer.min + number * interval.min,
    max: firstTimer.max + number * interval.max,
  });
  const probes = (number: number) =>
    Array.from({ length: Math.min(number, MOST_SENT) }, (_, at) => timer(at));
  if (userTimeoutMs === undefined) return { death: timer(count), sent: probes(count) };

  // Lateness counts as silence: the timer just before the nominal one may already be late enough.
  let first = probeIsOut ? 0 : 1;
  first = Math.max(first, Math.ceil((userTimeoutMs - firstTimer.max) / interval.max));
  const last = Math.max(first, Math.ceil((userTimeoutMs - firstTimer.min) / interval.min));
  const min = Math.max(timer(first).min, Math.min(userTimeoutMs, timer(last).min));
  return { death: { min, max: timer(last).max }, sent: probes(last) };
}

/** An answered probe re-arms with the interval; a timer that comes too early re-arms with the rest. */
function firstProbeAfterAnswer(idleMs: number, intervalMs: number): readonly number[] {
  return intervalMs >= idleMs ? [intervalMs] : [intervalMs, idleMs - intervalMs];
}
