/** A connection whose peer is about to vanish, and how long it is silent while that is still there. */
import { faultKind, type Fault, type Load, type Observer } from './condition.js';
import type { KeepaliveSettings, Mode } from './mode.js';
import type { Sysctls } from './sysctl.js';
import type { Hz } from './timer-wheel.js';

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

/** How long it is silent at most between two received bytes: the answer to a keepalive probe carries none. */
export function bytePeriodMs(
  { heartbeat }: Mode,
  frameEveryMs: number | undefined,
): number | undefined {
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

/** How old the last received segment can be at the drop. */
export function silenceBeforeDrop(
  { longestSilenceMs }: Situation,
  period: number | undefined,
): number {
  return Math.min(longestSilenceMs ?? Infinity, period ?? Infinity);
}

/** Only the peer is cut, and it sends of its own: what it sends still arrives. */
export function peerGoesOn({ fault, observer, mode, frameEveryMs }: Situation): boolean {
  const sends =
    (observer === 'server' && mode.heartbeat !== undefined) || frameEveryMs !== undefined;
  return faultKind(fault) === 'to-peer' && sends;
}
