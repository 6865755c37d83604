/**
 * What will become of a connection that is there now: from its state, its timer and its options, by
 * the same model that predicts a comparison. What an unreadable option would change says so.
 */
import { connectRest, synReceivedRest } from './connect-timer.js';
import { keepaliveRest, probingForMs } from './keepalive-timer.js';
import type { Mode } from './mode.js';
import { predict } from './predict.js';
import { retransmissionRest, retransmittingForMs, rtoFor } from './retransmission-timer.js';
import type { HostSocket, SocketInfo, SocketOptions, SocketTimer } from './socket.js';
import type { Sysctls } from './sysctl.js';
import { sleepSpan, type Hz, type Span } from './timer-wheel.js';
import {
  blockedForMs,
  isProbeUnanswered,
  zeroWindowAliveRest,
  zeroWindowRest,
} from './zero-window-timer.js';
import type { Fate, Moment } from './fate.js';

/** The kernel that keeps the timers. */
export interface Timekeeper {
  readonly sysctls: Sysctls;
  /** tcp_orphan_retries, of what no process holds any more; 0: the kernel's own 8. */
  readonly orphanRetries: number;
  readonly synackRetries: number;
  readonly hz: Hz;
}

/** TCP_TIMEWAIT_LEN, include/net/tcp.h. */
const TIME_WAIT_MS = 60_000;

/** tcp_orphan_retries, net/ipv4/tcp_timer.c: until the timer is at its maximum, then none. */
const ORPHAN_RETRIES = 8;

export function fateOf(socket: HostSocket, options: SocketOptions, keeper: Timekeeper): Fate {
  switch (socket.state) {
    case 'ESTABLISHED':
      return openFate(socket, options, keeper);
    case 'CLOSE-WAIT':
      return heldFate(socket, options, keeper);
    case 'FIN-WAIT-2':
      if (!isOrphan(socket)) return heldFate(socket, options, keeper);
      return { kind: 'closing', ends: closingEnds(socket, options, keeper) };
    case 'SYN-SENT':
    case 'SYN-RECV':
      return { kind: 'dying', ends: handshakeEnds(socket, options, keeper) };
    case 'FIN-WAIT-1':
    case 'CLOSING':
    case 'LAST-ACK':
    case 'TIME-WAIT':
      return { kind: 'closing', ends: closingEnds(socket, options, keeper) };
    default:
      return { kind: 'unknown', reason: `state ${socket.state}` };
  }
}

/** For how long something has been unanswered, at least; null: nothing is, or it cannot be told. */
export function unansweredMs(
  socket: HostSocket,
  options: SocketOptions,
  keeper: Timekeeper,
): number | null {
  const running = runningTimer(socket);
  if (running === undefined || !isUnanswered(socket, options, keeper)) return null;
  return unanswered(socket, running, options, keeper).forMs;
}

/**
 * `fateOf` for the thousands of one host, which have few settings and round trips between them: what
 * has no deadline yet is worked out once for each, round trips to the millisecond.
 */
export function fateReader(
  keeper: Timekeeper,
): (socket: HostSocket, options: SocketOptions) => Fate {
  const known = new Map<string, Fate>();
  // One comes after the other of its like: most need no key.
  let last: Settled | undefined;
  return (socket, options) => {
    const { state, timer, info } = socket;
    const isSettled = timer.kind === 'none' || timer.kind === 'keepalive';
    const isProbed = (socket.info?.probes ?? 0) > 0;
    if (state !== 'ESTABLISHED' || !isSettled || isProbed) {
      return fateOf(socket, options, keeper);
    }
    const rttMs = Math.round(info?.rttMs ?? 0);
    if (last?.timer === timer.kind && last.options === options && last.rttMs === rttMs) {
      return last.fate;
    }
    const { keepalive, userTimeoutMs } = options;
    const key = `${timer.kind} ${Object.values(keepalive).join(' ')} ${userTimeoutMs ?? ''} ${rttMs}`;
    let fate = known.get(key);
    if (fate === undefined) {
      fate = fateOf(socket, options, keeper);
      known.set(key, fate);
    }
    last = { timer: timer.kind, options, rttMs, fate };
    return fate;
  };
}

/** What a connection without a deadline has its fate from. */
interface Settled {
  readonly timer: SocketTimer['kind'];
  readonly options: SocketOptions;
  readonly rttMs: number;
  readonly fate: Fate;
}

/** The same of a socket whose timer may have that much longer to run than was told. */
export function orLater(fate: Fate, laterMs: number): Fate {
  if (!('ends' in fate) || !('ms' in fate.ends)) return fate;
  const { min, max } = fate.ends.ms;
  return { ...fate, ends: { ...fate.ends, ms: { min, max: max + laterMs } } };
}

/**
 * If its peer vanished: noticed after that time, from then.
 * @param rttMs of its path; a LAN's, far below a tick, where it is not known
 */
export function ifVanished(
  { keepalive, userTimeoutMs }: SocketOptions,
  load: 'idle' | 'write',
  { sysctls, hz }: Timekeeper,
  rttMs = 0,
): Moment {
  // Keepalive is off while something is unanswered.
  if (load === 'idle' && keepalive.kind === 'unknown') return keepalive;
  const mode: Mode = {
    ...(load === 'idle' && keepalive.kind === 'known' ? { keepalive } : {}),
    ...(userTimeoutMs === null || userTimeoutMs === 0 ? {} : { userTimeoutMs }),
  };
  const path = { rttMs, sysctls, hz };
  const situation = { mode, load, fault: 'blackhole', observer: 'server', ...path } as const;
  const prediction = predict(situation);
  if (prediction.kind !== 'interval') return { kind: 'never' };
  return unlessUserTimeout(userTimeoutMs, prediction.fromDropMs);
}

/** One end has said goodbye; what is unanswered since ends it all the same. */
function heldFate(socket: HostSocket, options: SocketOptions, keeper: Timekeeper): Fate {
  return isUnanswered(socket, options, keeper)
    ? openFate(socket, options, keeper)
    : { kind: 'leaked' };
}

function openFate(socket: HostSocket, options: SocketOptions, keeper: Timekeeper): Fate {
  const { timer } = socket;
  const rttMs = Math.round(socket.info?.rttMs ?? 0);
  const busy = () => ifVanished(options, 'write', keeper, rttMs);
  if (timer.kind === 'none') return { kind: 'forever', busy: busy() };
  const running = runningTimer(socket);
  if (running === undefined) return { kind: 'unknown', reason: TIMER_ALONE };
  if (isUnanswered(socket, options, keeper)) {
    return { kind: 'dying', ends: unanswered(socket, running, options, keeper).ends };
  }
  if (timer.kind === 'zero-window') {
    return { kind: 'slow', ends: slowEnds(running, options, keeper) };
  }
  return { kind: 'armed', idle: ifVanished(options, 'idle', keeper), busy: busy() };
}

const TIMER_ALONE = 'the kernel told its timer and no more';

const WAITS: Moment = { kind: 'unknown', reason: 'it waits for the peer' };

const UNREAD_USER_TIMEOUT: Moment = {
  kind: 'unknown',
  reason: 'its user timeout could not be read',
};

/** Something was sent, and nobody has answered in the time that an answer takes. */
function isUnanswered(socket: HostSocket, options: SocketOptions, keeper: Timekeeper): boolean {
  const running = runningTimer(socket);
  if (running === undefined) return false;
  const { info, expiresInMs } = running;
  const { kind } = socket.timer;
  if (kind === 'retransmit') return info.backoff > 0;
  if (kind === 'zero-window') {
    return isProbeUnanswered(blocked(running, options, keeper));
  }
  if (kind !== 'keepalive') return false;
  const { keepalive } = options;
  if (info.probes !== 1 || keepalive.kind !== 'known') return info.probes > 0;
  return keepalive.intervalSeconds * 1000 - expiresInMs > info.rtoMs;
}

/** Closed by its program. What nobody has accepted yet has no inode either, but is not closed. */
function isOrphan({ state, inode }: HostSocket): boolean {
  return inode === 0 && state !== 'ESTABLISHED' && state !== 'CLOSE-WAIT';
}

interface Running {
  readonly info: SocketInfo;
  readonly expiresInMs: number;
}

function runningTimer({ info, timer: { expiresInMs } }: HostSocket): Running | undefined {
  return info === null || expiresInMs === null ? undefined : { info, expiresInMs };
}

function slowEnds(running: Running, options: SocketOptions, keeper: Timekeeper): Moment {
  if (options.userTimeoutMs === null) return UNREAD_USER_TIMEOUT;
  const rest = zeroWindowAliveRest(blocked(running, options, keeper), keeper.hz);
  return rest === undefined ? { kind: 'never' } : within(rest.death);
}

interface Unanswered {
  readonly ends: Moment;
  /** At least; null: it cannot be told. */
  readonly forMs: number | null;
}

function unanswered(
  socket: HostSocket,
  running: Running,
  options: SocketOptions,
  keeper: Timekeeper,
): Unanswered {
  const { info, expiresInMs } = running;
  const { userTimeoutMs } = options;
  // Whatever has come since would have been an answer.
  const atLeast = (ms: number) => Math.round(Math.min(ms, info.silentMs));
  if (socket.timer.kind === 'zero-window') {
    const state = blocked(running, options, keeper);
    const { death } = zeroWindowRest(state, keeper.hz);
    return {
      ends: unlessUserTimeout(userTimeoutMs, death),
      forMs: atLeast(blockedForMs(state)),
    };
  }
  if (socket.timer.kind === 'keepalive') {
    const { keepalive } = options;
    if (keepalive.kind === 'unknown') return { ends: keepalive, forMs: null };
    if (keepalive.kind === 'off') return { ends: JUST_TURNED_OFF, forMs: null };
    const state = {
      settings: keepalive,
      userTimeoutMs: knownUserTimeout(options),
      probesOut: info.probes,
      silentMs: info.silentMs,
      expiresInMs,
    };
    const { death } = keepaliveRest(state, keeper.hz);
    return { ends: unlessUserTimeout(userTimeoutMs, death), forMs: atLeast(probingForMs(state)) };
  }
  const state = backedOff(socket, running, options, keeper);
  const { death } = retransmissionRest(state, keeper.hz);
  return {
    ends: unlessUserTimeout(userTimeoutMs, death),
    forMs: atLeast(retransmittingForMs(state)),
  };
}

const JUST_TURNED_OFF: Moment = { kind: 'unknown', reason: 'keepalive was just turned off' };

function backedOff(
  socket: HostSocket,
  { info, expiresInMs }: Running,
  options: SocketOptions,
  { sysctls, orphanRetries, hz }: Timekeeper,
) {
  const isLetGo = isOrphan(socket);
  const { tcp_rto_max_ms: rtoMaxMs } = sysctls;
  return {
    retries2: isLetGo ? orphanRetries || ORPHAN_RETRIES : sysctls.tcp_retries2,
    endsAtMaximum: isLetGo && orphanRetries === 0,
    rtoMaxMs,
    userTimeoutMs: knownUserTimeout(options),
    rtoMs: beforeDoubling(info, rtoMaxMs, hz),
    backoff: info.backoff,
    expiresInMs,
  };
}

/** Of a timer at its maximum: what a fresh one of that path would have, or as much as it takes to be there. */
function beforeDoubling({ rtoMs, backoff, rttMs }: SocketInfo, rtoMaxMs: number, hz: Hz): number {
  const doubledMs = rtoMs / 2 ** backoff;
  return rtoMs < rtoMaxMs ? doubledMs : Math.max(doubledMs, rtoFor(rttMs, hz ?? SLOWEST_HZ));
}

const SLOWEST_HZ = 100;

function handshakeEnds(socket: HostSocket, options: SocketOptions, keeper: Timekeeper): Moment {
  const { state, retransmissions, timer } = socket;
  const { expiresInMs } = timer;
  if (expiresInMs === null) return { kind: 'unknown', reason: TIMER_ALONE };
  const { sysctls, synackRetries, hz } = keeper;
  if (state === 'SYN-RECV') {
    return within(synReceivedRest({ synackRetries, retransmissions, expiresInMs }, hz));
  }
  const connecting = {
    synRetries: sysctls.tcp_syn_retries,
    linearTimeouts: sysctls.tcp_syn_linear_timeouts,
    rtoMaxMs: sysctls.tcp_rto_max_ms,
    userTimeoutMs: knownUserTimeout(options),
    retransmissions,
    expiresInMs,
  };
  return unlessUserTimeout(options.userTimeoutMs, connectRest(connecting, hz).death);
}

function closingEnds(socket: HostSocket, options: SocketOptions, keeper: Timekeeper): Moment {
  const { timer } = socket;
  if (timer.kind === 'time-wait' && timer.expiresInMs !== null) {
    const late = sleepSpan(TIME_WAIT_MS, keeper.hz);
    return within({ min: timer.expiresInMs, max: timer.expiresInMs + late.max - late.min });
  }
  const running = runningTimer(socket);
  const isBlocked = timer.kind === 'zero-window';
  if (running === undefined || (isBlocked && isOrphan(socket))) return WAITS;
  if (isUnanswered(socket, options, keeper)) {
    return unanswered(socket, running, options, keeper).ends;
  }
  return isBlocked ? slowEnds(running, options, keeper) : WAITS;
}

function blocked({ info, expiresInMs }: Running, options: SocketOptions, keeper: Timekeeper) {
  return {
    retries2: keeper.sysctls.tcp_retries2,
    rtoMaxMs: keeper.sysctls.tcp_rto_max_ms,
    userTimeoutMs: knownUserTimeout(options),
    rttMs: info.rttMs,
    rtoMs: info.rtoMs,
    backoff: info.backoff,
    probesOut: info.probes,
    expiresInMs,
    hasRoom: info.windowBytes > 0,
  };
}

function knownUserTimeout({ userTimeoutMs }: SocketOptions): number | undefined {
  return userTimeoutMs === null || userTimeoutMs === 0 ? undefined : userTimeoutMs;
}

function unlessUserTimeout(userTimeoutMs: number | null, ms: Span): Moment {
  return userTimeoutMs === null ? { kind: 'assumed', ms, assuming: 'no user timeout' } : within(ms);
}

function within(ms: Span): Moment {
  return { kind: 'within', ms };
}
