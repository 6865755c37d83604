/** An idle connection with keepalive: tcp_keepalive_timer, net/ipv4/tcp_timer.c. */
import type { KeepaliveSettings } from './mode.js';
import { addSpans, granuleMs, sleepsSpan, type Dying, type Hz, type Span } from './timer-wheel.js';

/** With a long user timeout there may be a million probes: the first of them, and the last, are told. */
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

/** How many probes surely leave before it dies, the lateness of each timer in the verdict's favour. */
export function sureProbes(
  settings: KeepaliveSettings,
  userTimeoutMs: number | undefined,
  hz: Hz,
): number {
  if (userTimeoutMs === undefined) return settings.count;
  const firstTimer = sleepsSpan([settings.idleSeconds * 1000], hz);
  const interval = sleepsSpan([settings.intervalSeconds * 1000], hz);
  return Math.max(1, Math.ceil((userTimeoutMs - firstTimer.max) / interval.max));
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

/** How long probes have been unanswered, at least: since the first of them. */
export function probingForMs({ settings, probesOut, expiresInMs }: Probing): number {
  return Math.max(0, probesOut * settings.intervalSeconds * 1000 - expiresInMs);
}

/** Of a connection that is in the middle of it: from now. */
export function keepaliveRest(state: Probing, hz: Hz): Dying {
  const { settings, userTimeoutMs, probesOut, silentMs, expiresInMs } = state;
  // Its lateness was fixed when it was armed.
  const armedMs = (probesOut > 0 ? settings.intervalSeconds : settings.idleSeconds) * 1000;
  const next = { min: expiresInMs, max: expiresInMs + granuleMs(armedMs, hz) };
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
  const probes = (number: number) => {
    const first = Array.from({ length: Math.min(number, MOST_SENT) }, (_, at) => timer(at));
    return number > MOST_SENT ? [...first, timer(number - 1)] : first;
  };
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
