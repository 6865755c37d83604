/**
 * Data that the peer has no room for: tcp_probe_timer and tcp_send_probe0, net/ipv4/tcp_timer.c and
 * tcp_output.c. Any answer resets the count of probes, but neither the back-off nor the moment from
 * which a user timeout runs: the first probe.
 *
 * No count tells of one thing: a peer that makes room for less than the segment that waits takes data and
 * resets the back-off, but the user timeout runs on from the same first probe (tcp_ack_probe, tcp_input.c).
 */
import { RTO_MAX_MS, RTO_MIN_MS, rtoFor } from './retransmission-timer.js';
import {
  addSpans,
  agoSpan,
  forAnyHz,
  granuleMs,
  sleepSpan,
  sleepsSpan,
  ZERO,
  type Dying,
  type Hz,
  type Span,
} from './timer-wheel.js';

interface Limits {
  readonly retries2: number;
  readonly rtoMaxMs: number;
  readonly userTimeoutMs: number | undefined;
  readonly rttMs: number;
}

export interface Blocked extends Limits {
  /** Doublings so far (tcpi_backoff): 0 until the first probe. */
  readonly backoff?: number;
}

/** From when the probe timer was armed, nothing being answered any more. */
export function zeroWindowDeath(blocked: Blocked, hz: Hz): Dying {
  return forAnyHz(hz, (ticks) => probeUntilGivenUp(blocked, true, fresh(blocked, ticks), ticks));
}

/** The same while the peer answers every probe: only a user timeout ends it. Undefined: nothing does. */
export function zeroWindowAliveDeath(blocked: Blocked, hz: Hz): Dying | undefined {
  if (blocked.userTimeoutMs === undefined) return undefined;
  return forAnyHz(hz, (ticks) => probeUntilGivenUp(blocked, false, fresh(blocked, ticks), ticks));
}

export interface BlockedNow extends Limits {
  /** Of the path, its variance counted: window probes do not double it, but their own pauses. */
  readonly rtoMs: number;
  /** Doublings of the pause so far (tcpi_backoff). */
  readonly backoff: number;
  /** Probes out and unanswered (tcpi_probes). */
  readonly probesOut: number;
  /** Until the timer that is running fires. */
  readonly expiresInMs: number;
  /** For less than a segment: before any probe that much is sent, by the timer that is running. */
  readonly hasRoom: boolean;
}

/** Of a connection that is in the middle of it, nothing being answered any more: from now. */
export function zeroWindowRest(blocked: BlockedNow, hz: Hz): Dying {
  return forAnyHz(hz, (ticks) => probeUntilGivenUp(blocked, true, running(blocked, ticks), ticks));
}

/** The same while the peer answers every probe. Undefined: nothing ends it. */
export function zeroWindowAliveRest(blocked: BlockedNow, hz: Hz): Dying | undefined {
  if (blocked.userTimeoutMs === undefined) return undefined;
  return forAnyHz(hz, (ticks) => probeUntilGivenUp(blocked, false, running(blocked, ticks), ticks));
}

/** How long probes have been unanswered, at least: since the first of them. */
export function blockedForMs(blocked: BlockedNow): number {
  const { rtoMs, backoff, probesOut, expiresInMs } = blocked;
  let sleptMs = 0;
  for (let probe = 0; probe < probesOut; probe++) {
    sleptMs += probeDelay(rtoMs, Math.max(1, backoff - probe), blocked);
  }
  return Math.max(0, sleptMs - expiresInMs);
}

/** sysctl_tcp_invalid_ratelimit: so often does a peer answer what lies outside its window. */
const ANSWERED_EVERY_MS = 500;

/** That a probe is out for longer than an answer takes, and that a living peer would have given one. */
export function isProbeUnanswered(blocked: BlockedNow): boolean {
  const { rtoMs, backoff, probesOut, expiresInMs } = blocked;
  if (probesOut !== 1) return probesOut > 1;
  const delayMs = (doublings: number) => probeDelay(rtoMs, doublings, blocked);
  const isAnswered = backoff < 2 || delayMs(backoff - 1) >= ANSWERED_EVERY_MS;
  return isAnswered && delayMs(backoff) - expiresInMs > delayMs(0);
}

interface Progress {
  readonly baseMs: number;
  readonly level: number;
  readonly probesOut: number;
  /** From the first probe until the timer that is running fires. */
  readonly elapsed: Span;
  /** The same moment, from where the result counts. */
  readonly next: Span;
  /** How long before that the first probe left: the timers since may have been late. */
  readonly ago: Span;
}

function fresh(blocked: Blocked, hz: number): Progress {
  const { rttMs, backoff: level = 0 } = blocked;
  const baseMs = rtoFor(rttMs, hz);
  const next = sleepSpan(probeDelay(baseMs, level, blocked), hz);
  return { baseMs, level, probesOut: 0, elapsed: ZERO, next, ago: until(next) };
}

/** Every probe has doubled the pause once, answered or not; only so many times. */
function running(blocked: BlockedNow, hz: number): Progress {
  const { rtoMs: baseMs, rttMs, backoff, probesOut, expiresInMs, retries2 } = blocked;
  const { userTimeoutMs = Infinity } = blocked;
  const pauseMs = probeDelay(baseMs, backoff, blocked);
  const lateMs = granuleMs(pauseMs, hz);
  const next = { min: expiresInMs, max: expiresInMs + lateMs };
  const progress = { baseMs, level: backoff, probesOut, next };
  if (backoff === 0) {
    const first = blocked.hasRoom ? afterAnswer(next, blocked, hz) : next;
    return { ...progress, next: first, elapsed: ZERO, ago: until(first) };
  }
  const pauses = Array.from({ length: backoff - 1 }, (_, at) =>
    probeDelay(baseMs, at + 1, blocked),
  );
  const slept = sleepsSpan(pauses, hz);
  // Each answer armed the timer anew. At the last doubling any number of probes may have been answered.
  const longestSleptMs =
    backoff < retries2 || userTimeoutMs === Infinity ? slept.max + backoff * rttMs : userTimeoutMs;
  const dueAfter = (sleptMs: number) =>
    Math.min(sleptMs + pauseMs, Math.max(userTimeoutMs, sleptMs + shortestMs(hz)));
  const due = { min: dueAfter(slept.min), max: dueAfter(longestSleptMs) };
  return {
    ...progress,
    elapsed: addSpans(due, { min: 0, max: lateMs }),
    ago: agoSpan(due, expiresInMs, lateMs),
  };
}

/** How long ago what is still to come was. */
function until({ min, max }: Span): Span {
  return { min: -max, max: -min };
}

/** TCP_DELACK_MAX, include/net/tcp.h. */
const LATEST_ANSWER_MS = 200;

/** What `sent` sends is answered, and that closes the window: the timer is armed for the first probe. */
function afterAnswer(sent: Span, blocked: BlockedNow, hz: number): Span {
  const answer = { min: 0, max: blocked.rttMs + LATEST_ANSWER_MS };
  return addSpans(addSpans(sent, answer), sleepSpan(probeDelay(blocked.rtoMs, 0, blocked), hz));
}

function probeUntilGivenUp(
  limits: Limits,
  counted: boolean,
  progress: Progress,
  hz: number,
): Dying {
  const { retries2, userTimeoutMs = Infinity, rttMs } = limits;
  const { baseMs, ago } = progress;
  // Every answer arms the timer anew.
  const answered = { min: 0, max: counted ? 0 : rttMs };
  const sent: Span[] = [];
  let { level, elapsed, next } = progress;
  let soonestMs = Infinity;
  // The expiry after `retries2` unanswered probes gives up, unless the user timeout does so before.
  for (let probes = progress.probesOut; ; probes++) {
    if (elapsed.max >= userTimeoutMs) {
      soonestMs = Math.min(soonestMs, Math.max(next.min, userTimeoutMs - ago.max));
    }
    if (elapsed.min >= userTimeoutMs || (counted && probes >= retries2)) break;
    sent.push(next);
    if (level < retries2) level++;
    const pauseMs = probeDelay(baseMs, level, limits);
    const leftMs = Math.max(shortestMs(hz), userTimeoutMs - elapsed.min);
    const pause = sleepSpan(Math.min(pauseMs, leftMs), hz);
    const asleep = addSpans(pause, answered);
    elapsed = addSpans(elapsed, asleep);
    const soonestCutMs = Math.max(next.min + shortestMs(hz), userTimeoutMs - ago.max);
    // However late the timers before, the user timeout cuts this one: late is it alone.
    const latestCutMs = userTimeoutMs - ago.min + shortestMs(hz) + (asleep.max - asleep.min);
    next = {
      min: Math.min(next.min + pauseMs, soonestCutMs),
      max: Math.max(next.max, Math.min(next.max + asleep.max, latestCutMs)),
    };
  }
  return { death: { min: Math.min(soonestMs, next.min), max: next.max }, sent };
}

/** tcp_probe0_when: its own ceiling of doublings, then the ordinary maximum. */
function probeDelay(baseMs: number, backoff: number, { rtoMaxMs }: Limits): number {
  const most = Math.floor(Math.log2(RTO_MAX_MS / RTO_MIN_MS)) + 1;
  return Math.min(Math.max(RTO_MIN_MS, baseMs) * 2 ** Math.min(backoff, most), rtoMaxMs);
}

/** TCP_TIMEOUT_MIN, include/net/tcp.h: what a user timeout that is over leaves. */
function shortestMs(hz: number): number {
  return 2000 / hz;
}
