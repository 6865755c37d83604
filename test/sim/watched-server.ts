/**
 * What a server of each kind does to two connections, one of which has vanished, and how that looks
 * to whoever looks once in a while. Slow and obvious on purpose, like kernel-keepalive.ts.
 */
import type { VanishEngine, VanishEvent, VanishLog } from '../../src/core/vanish-log.js';
import { simulateKeepaliveDeath } from './kernel-keepalive.js';
import { simulateRetransmissionDeath } from './kernel-retransmission.js';

type Lateness = (delayMs: number) => number;

/** What left the server, and when. `lifted`: what it says is an answer. */
export interface Sent {
  readonly connection: 'quiet' | 'vanished';
  readonly kind: 'bare' | 'data' | 'fin' | 'reset' | 'gone' | 'held';
  readonly at: number;
}

export interface Watching {
  readonly engine: VanishEngine;
  readonly load: 'idle' | 'write';
  /** Between two looks, over and over. */
  readonly pausesMs: readonly number[];
  readonly watchedMs: number;
  readonly liftedAtMs: number | null;
  readonly path: Path;
}

export interface Path {
  readonly rttMs: number;
  /** How much later than that each segment comes, over and over. */
  readonly jitterMs: readonly number[];
  /** The last word of each left that much before it was seen to. */
  readonly wordMs: { readonly quiet: number; readonly vanished: number };
}

/** A log as the engine has it: the minimum TTL hides what the vanished one is told. */
export function watched(sent: readonly Sent[], watching: Watching): VanishLog {
  const { engine, load, pausesMs, watchedMs, liftedAtMs, path } = watching;
  const events: VanishEvent[] = [];
  let [lookedAt, look] = [0, 0];
  const waiting = sent
    .map((each, at) => ({ ...each, at: Math.max(0, each.at + delayMs(each, at, path)) }))
    .toSorted((a, b) => a.at - b.at);
  while (lookedAt < watchedMs) {
    const pauseMs = Math.min(pausesMs[look++ % pausesMs.length] ?? 10, watchedMs - lookedAt);
    lookedAt += pauseMs;
    for (let next = waiting[0]; next !== undefined && next.at <= lookedAt; next = waiting[0]) {
      waiting.shift();
      const kind = seenAs(next, engine, liftedAtMs);
      events.push({ connection: next.connection, kind, atMs: lookedAt, withinMs: pauseMs });
    }
  }
  const { rttMs, wordMs: lastWordWithinMs } = path;
  return { engine, load, rttMs, lastWordWithinMs, liftedAtMs, watchedMs, events };
}

/** The server hears the last word half a round trip late, and is heard another half later. */
function delayMs({ connection }: Sent, at: number, { rttMs, jitterMs, wordMs }: Path): number {
  return rttMs + (jitterMs[at % jitterMs.length] ?? 0) - wordMs[connection];
}

/** As it was at that moment. */
export function asOf(log: VanishLog, ms: number): VanishLog {
  return {
    ...log,
    watchedMs: Math.min(log.watchedMs, ms),
    liftedAtMs: log.liftedAtMs !== null && log.liftedAtMs <= ms ? log.liftedAtMs : null,
    events: log.events.filter(({ atMs }) => atMs <= ms),
  };
}

export interface Keepalive {
  readonly idleMs: number;
  readonly intervalMs: number;
  readonly count: number;
}

/** Probes both, and gives the vanished one up. Until `untilMs` the quiet one answers. */
export function keepaliveServer(
  { idleMs, intervalMs, count }: Keepalive,
  late: Lateness,
  untilMs: number,
): readonly Sent[] {
  const sent: Sent[] = [];
  const death = simulateKeepaliveDeath(
    { idleMs, intervalMs, count, userTimeoutMs: undefined, firstTimerMs: idleMs },
    late,
    // A probe leaves when the next timer is armed.
    ({ at, probesOut }) => {
      if (probesOut > 0) sent.push({ connection: 'vanished', kind: 'bare', at });
    },
  );
  sent.push({ connection: 'vanished', kind: 'reset', at: death });
  let [now, heardAt, delayMs] = [0, 0, idleMs];
  for (;;) {
    now += delayMs + late(delayMs);
    if (now > untilMs) return sent;
    if (now - heardAt < idleMs) {
      delayMs = idleMs - (now - heardAt);
      continue;
    }
    sent.push({ connection: 'quiet', kind: 'bare', at: now });
    [heardAt, delayMs] = [now, intervalMs];
  }
}

export interface IdleTimeout {
  readonly timeoutMs: number;
  /** How much later than that each is closed: it looks once in a while. */
  readonly lateMs: { readonly quiet: number; readonly vanished: number };
  readonly farewell: boolean;
  readonly goodbye: 'fin' | 'reset';
}

export function idleTimeoutServer(server: IdleTimeout): readonly Sent[] {
  return (['quiet', 'vanished'] as const).flatMap((connection) => {
    const at = server.timeoutMs + server.lateMs[connection];
    const farewell: Sent[] = server.farewell ? [{ connection, kind: 'data', at }] : [];
    return [...farewell, { connection, kind: server.goodbye, at }];
  });
}

export interface Heartbeat {
  readonly intervalMs: number;
  /** After so many beats that were not answered. */
  readonly beats: number;
  readonly patienceMs: number;
  readonly goodbye: 'fin' | 'reset';
}

/** The quiet one answers nothing either. */
export function heartbeatServer(server: Heartbeat, late: Lateness): readonly Sent[] {
  const { intervalMs, beats, patienceMs, goodbye } = server;
  const end = beats * intervalMs + patienceMs;
  const quiet = Array.from({ length: beats }, (_, at): Sent => {
    return { connection: 'quiet', kind: 'data', at: (at + 1) * intervalMs };
  });
  const repeated = repetitions(intervalMs, late, undefined, 30).sent.filter(({ at }) => at < end);
  return [
    ...quiet,
    ...repeated,
    { connection: 'vanished', kind: goodbye, at: end },
    { connection: 'quiet', kind: goodbye, at: end },
  ];
}

export interface SendTimeout {
  /** Between two of its news, and before the first. */
  readonly everyMs: number;
  /** How long they may stay unacknowledged. */
  readonly timeoutMs: number;
  readonly goodbye: 'fin' | 'reset';
}

/** Sends news whoever listens, and ends whom they do not reach. */
export function sendTimeoutServer(
  { everyMs, timeoutMs, goodbye }: SendTimeout,
  late: Lateness,
  untilMs: number,
): readonly Sent[] {
  const quiet: Sent[] = [];
  for (let at = everyMs; at < untilMs; at += everyMs) {
    quiet.push({ connection: 'quiet', kind: 'data', at });
  }
  const end = everyMs + timeoutMs;
  const repeated = repetitions(everyMs, late, undefined, 30).sent.filter(({ at }) => at < end);
  return [...quiet, ...repeated, { connection: 'vanished', kind: goodbye, at: end }];
}

/** One segment that nobody acknowledges, from when it is sent first until the kernel gives it up. */
export function repetitions(
  firstMs: number,
  late: Lateness,
  userTimeoutMs: number | undefined,
  retries2: number,
): { readonly sent: readonly Sent[]; readonly death: number } {
  const at: number[] = [0, 200];
  const death = simulateRetransmissionDeath(
    {
      rtoMs: 204,
      rtoMaxMs: 120_000,
      tailLossProbeMs: 200,
      modelTimeoutMs:
        (2 ** (Math.min(retries2, 9) + 1) - 1) * 200 + Math.max(0, retries2 - 9) * 120_000,
      userTimeoutMs,
    },
    late,
    (armed) => at.push(armed.at),
  );
  return {
    sent: at.map((each) => ({ connection: 'vanished', kind: 'data', at: firstMs + each })),
    death: firstMs + death,
  };
}

function seenAs(
  { connection, kind, at }: Sent,
  engine: VanishEngine,
  liftedAtMs: number | null,
): VanishEvent['kind'] {
  if (connection === 'quiet' || kind === 'gone' || kind === 'held') return kind;
  if (liftedAtMs !== null && at >= liftedAtMs) return kind;
  if (engine === 'hop-limit') return kind;
  if (engine === 'goodbye-filter' && (kind === 'fin' || kind === 'reset')) return kind;
  return 'swallowed';
}
