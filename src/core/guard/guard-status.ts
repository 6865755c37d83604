/** What a guardian knows of its services, `tcpalive/guard-status/1`. */
import { msBetween, type Instant } from '../time.js';
import type { ServiceGuard } from './service-guard.js';
import type { Down, ServiceState } from './service-step.js';

export interface GuardStatus {
  readonly schema: 'tcpalive/guard-status/1';
  readonly time: string;
  readonly pid: number;
  readonly uptimeMs: number;
  /** Memory of the guardian; null: not told, as when no descriptor is left. */
  readonly residentBytes: number | null;
  /** Connections to the guardian that were no service's, by why. */
  readonly refused: Readonly<Record<string, number>>;
  /** Empty: every service is alive, or has ended well. */
  readonly problems: readonly string[];
  readonly services: readonly ServiceStatus[];
}

export interface ServiceStatus {
  readonly name: string;
  readonly state: ServiceState;
  /** How long it has been in that state. */
  readonly sinceMs: number;
  /** Of the main process; null: there is none, or it is not ours. */
  readonly pid: number | null;
  readonly restarts: number;
  /** How it was lost last; null: it never was. */
  readonly lastDown: Down | null;
  /** What has been heard, or is waited for. */
  readonly signs: readonly SignStatus[];
}

interface SignStatus {
  /** `beats`, `systemd`, or the address of a check. */
  readonly by: string;
  /** Since the last one; null: none came yet. */
  readonly silentMs: number | null;
  readonly timeoutMs: number;
}

export interface GuardianFacts {
  readonly time: string;
  readonly pid: number;
  readonly startedAt: Instant;
  readonly residentBytes: number | null;
  readonly refused: Readonly<Record<string, number>>;
}

export function guardStatus(
  services: readonly ServiceGuard[],
  { time, pid, startedAt, residentBytes, refused }: GuardianFacts,
  now: Instant,
): GuardStatus {
  const each = services.map((guard) => statusOf(guard, now));
  return {
    schema: 'tcpalive/guard-status/1',
    time,
    pid,
    uptimeMs: Math.round(msBetween(startedAt, now)),
    residentBytes,
    refused,
    problems: each.filter(({ state }) => TROUBLED.includes(state)).map(problem),
    services: each,
  };
}

/** One that starts for the first time is not in trouble yet. */
const TROUBLED: readonly ServiceState[] = ['dead', 'stopping', 'waiting', 'acting', 'gave-up'];

function problem({ name, state }: ServiceStatus): string {
  return `${name} is ${state}`;
}

function statusOf(guard: ServiceGuard, now: Instant): ServiceStatus {
  const { config, state, since = now, pid, restarts, lastDown, signs } = guard;
  const heard = [...signs.watches].filter(([, watch]) => watch.nextDeadline() !== undefined);
  return {
    name: config.name,
    state,
    sinceMs: Math.round(msBetween(since, now)),
    pid: pid ?? null,
    restarts,
    lastDown: lastDown ?? null,
    signs: heard.map(([by, { lastSign, timeoutMs }]) => ({
      by,
      silentMs: lastSign === undefined ? null : Math.round(msBetween(lastSign, now)),
      timeoutMs,
    })),
  };
}
