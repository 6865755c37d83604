/** Random servers of each kind, as they look to a client that vanishes: for property tests. */
import fc from 'fast-check';
import type { VanishLog } from '../../src/core/vanish-log.js';
import type { MechanismKind } from '../../src/core/vanish-inference.js';
import { hz, lateness, latenessOf } from '../core/kernel-settings.js';
import {
  heartbeatServer,
  idleTimeoutServer,
  keepaliveServer,
  repetitions,
  sendTimeoutServer,
  watched,
  type Keepalive,
  type Path,
  type Sent,
} from '../sim/watched-server.js';

const engine = fc.constantFrom('goodbye-filter', 'hop-limit', 'min-ttl');
const goodbye = fc.constantFrom('fin', 'reset');

/** Of a loop that has time. */
export const steadyMs = fc.array(fc.integer({ min: 5, max: 20 }), { minLength: 1, maxLength: 20 });

/** Of one that is stalled now and then. */
const stalledMs = fc.array(
  fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 5, max: 20 }) },
    { weight: 1, arbitrary: fc.integer({ min: 21, max: 1500 }) },
  ),
  { minLength: 1, maxLength: 60 },
);

const pausesMs = fc.oneof(steadyMs, stalledMs);

/** Seen to that much late: by looks, or by a loop that was stalled when it began. */
const wordMs = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 0, max: 20 }) },
  { weight: 1, arbitrary: fc.integer({ min: 21, max: 400 }) },
);

/** Jitter is no more than the round trip: half of it is on the way to the server. */
const path: fc.Arbitrary<Path> = fc
  .record({
    rttMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 150 })),
    jitter: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 8 }),
    wordMs: fc.record({ quiet: wordMs, vanished: wordMs }),
  })
  .map(({ rttMs, jitter, wordMs }) => ({
    rttMs,
    jitterMs: jitter.map((part) => part * Math.min(20, rttMs)),
    wordMs,
  }));

/** Whoever asks looks at the clock before and after it writes, and at nothing else meanwhile. */
function whenAsked({ wordMs, ...path }: Path): Path {
  return { ...path, wordMs: { ...wordMs, vanished: Math.min(wordMs.vanished, 20) } };
}

const keepalive = fc.record({
  idleMs: fc.integer({ min: 1, max: 30 }).map((seconds) => seconds * 1000),
  intervalMs: fc.integer({ min: 1, max: 20 }).map((seconds) => seconds * 1000),
  count: fc.integer({ min: 1, max: 9 }),
});

interface Case {
  readonly mechanism: MechanismKind;
  /** What may be said of it too. */
  readonly alike?: readonly MechanismKind[];
  readonly log: VanishLog;
}

export interface KeepaliveCase extends Case {
  readonly settings: Keepalive;
}

/** @param pauses between looks */
export function keepaliveCase(
  settings: fc.Arbitrary<Keepalive> = keepalive,
  pauses: fc.Arbitrary<number[]> = pausesMs,
): fc.Arbitrary<KeepaliveCase> {
  return fc
    .tuple(settings, engine, pauses, hz, lateness, path)
    .map(([settings, how, pausesMs, ticks, late, path]) => {
      const { idleMs, intervalMs, count } = settings;
      const overMs = 1.2 * (idleMs + (count + 2) * intervalMs) + 3000;
      const sent = keepaliveServer(settings, latenessOf(late, ticks), overMs);
      return {
        mechanism: 'keepalive',
        settings,
        log: asked(sent, { engine: how, pausesMs, load: 'idle', askedAtMs: overMs, path }),
      };
    });
}

/** Its RST never arrives: what ended it is found out when it is asked. */
export const lostResetCase: fc.Arbitrary<KeepaliveCase> = fc
  .tuple(keepalive, engine, steadyMs, hz, lateness, path)
  .map(([settings, how, pausesMs, ticks, late, path]) => {
    const { idleMs, intervalMs, count } = settings;
    const overMs = 1.2 * (idleMs + (count + 2) * intervalMs) + 3000;
    const sent = keepaliveServer(settings, latenessOf(late, ticks), overMs);
    const arrived = sent.filter(({ kind }) => kind !== 'reset');
    return {
      mechanism: 'keepalive',
      settings,
      log: asked(arrived, { engine: how, pausesMs, load: 'idle', path, askedAtMs: overMs }),
    };
  });

/**
 * All connections end at one moment, or at one age: a restart, a crashed worker, a login grace time.
 * What was opened together falls silent within a second, and cannot be told from an idle timeout.
 */
export const endOfAllCase: fc.Arbitrary<Case> = fc
  .record({
    atMs: fc.record({
      quiet: fc.integer({ min: 2000, max: 90_000 }),
      apart: fc.integer({ min: -1000, max: 1000 }),
    }),
    goodbye,
    keepalive: fc.option(keepalive, { nil: undefined }),
  })
  .chain(({ atMs, goodbye, keepalive }) =>
    fc.tuple(engine, steadyMs, lateness, path).map(([how, pausesMs, late, path]) => {
      const end = { quiet: atMs.quiet, vanished: atMs.quiet + atMs.apart };
      const probed =
        keepalive === undefined
          ? []
          : keepaliveServer(keepalive, latenessOf(late, 250), end.quiet + 2000);
      const before = probed.filter(({ connection, at }) => at < end[connection]);
      const isGivenUp = before.some(({ kind }) => kind === 'reset');
      const ends: Sent[] = [
        { connection: 'quiet', kind: goodbye, at: end.quiet },
        ...(isGivenUp
          ? []
          : [{ connection: 'vanished', kind: goodbye, at: end.vanished } as const]),
      ];
      return {
        mechanism: isGivenUp ? 'keepalive' : 'idle-timeout',
        // Its kernel asks as well, until then.
        ...(keepalive !== undefined && { alike: ['keepalive', 'idle-timeout'] as const }),
        log: asked([...before, ...ends], {
          engine: how,
          pausesMs,
          load: 'idle',
          path,
          askedAtMs: atMs.quiet + 6000,
        }),
      };
    }),
  );

/** Some segments never arrive; what the quiet one acknowledges is sent until it does. */
export function lossy(cases: fc.Arbitrary<Case>): fc.Arbitrary<Case> {
  return fc
    .tuple(cases, fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }))
    .map(([{ log, ...server }, lost]) => ({
      ...server,
      log: {
        ...log,
        events: log.events.filter(
          ({ connection, kind }, at) =>
            kind === 'gone' ||
            (connection === 'quiet' && kind !== 'bare') ||
            lost[at % lost.length] !== true,
        ),
      },
    }));
}

export const idleTimeoutCase: fc.Arbitrary<Case> = fc
  .record({
    timeoutMs: fc.integer({ min: 1000, max: 90_000 }),
    lateMs: fc.record({
      quiet: fc.integer({ min: 0, max: 2000 }),
      vanished: fc.integer({ min: 0, max: 2000 }),
    }),
    farewell: fc.boolean(),
    goodbye,
  })
  .chain((server) =>
    fc.tuple(engine, steadyMs, path).map(([how, pausesMs, path]) => ({
      mechanism: 'idle-timeout',
      log: asked(idleTimeoutServer(server), {
        engine: how,
        pausesMs,
        load: 'idle',
        path,
        askedAtMs: server.timeoutMs + 6000,
      }),
    })),
  );

export const heartbeatCase: fc.Arbitrary<Case> = fc
  .record({
    intervalMs: fc.integer({ min: 1000, max: 30_000 }),
    beats: fc.integer({ min: 1, max: 4 }),
    patienceMs: fc.integer({ min: 1000, max: 20_000 }),
    goodbye,
  })
  // A single beat is one only to whoever closes at its next.
  .map((server) => (server.beats > 1 ? server : { ...server, patienceMs: server.intervalMs }))
  .chain((server) =>
    fc
      .tuple(fc.constantFrom('goodbye-filter', 'hop-limit'), steadyMs, lateness, path)
      .map(([how, pausesMs, late, path]) => ({
        mechanism: 'heartbeat',
        log: asked(heartbeatServer(server, latenessOf(late, 250)), {
          engine: how,
          pausesMs,
          load: 'idle',
          path,
          askedAtMs: server.intervalMs * server.beats + server.patienceMs + 5000,
        }),
      })),
  );

/** An idle timeout, and a greeting that comes long after the last word of a client. */
export const lateGreetingCase: fc.Arbitrary<Case> = fc
  .record({
    greetingMs: fc.integer({ min: 300, max: 10_000 }),
    timeoutMs: fc.integer({ min: 2000, max: 60_000 }),
    goodbye,
  })
  .filter(({ greetingMs, timeoutMs }) => timeoutMs > greetingMs + 500)
  // Half way it is the beat of whoever closes at its next.
  .filter(
    ({ greetingMs, timeoutMs }) => Math.abs(timeoutMs - 2 * greetingMs) > 0.1 * timeoutMs + 500,
  )
  .chain(({ greetingMs, timeoutMs, goodbye }) =>
    fc
      .tuple(fc.constantFrom('goodbye-filter', 'hop-limit'), steadyMs, lateness, path)
      .map(([how, pausesMs, late, path]) => {
        const repeated = repetitions(greetingMs, latenessOf(late, 250), undefined, 30).sent;
        const ends: Sent[] = [
          { connection: 'quiet', kind: 'data', at: greetingMs },
          { connection: 'quiet', kind: goodbye, at: timeoutMs },
          { connection: 'vanished', kind: goodbye, at: timeoutMs },
        ];
        return {
          mechanism: 'idle-timeout',
          log: asked([...ends, ...repeated.filter(({ at }) => at < timeoutMs)], {
            engine: how,
            pausesMs,
            load: 'idle',
            path,
            askedAtMs: timeoutMs + 5000,
          }),
        };
      }),
  );

/** Who hears no goodbye cannot tell it from the kernel's own limit. */
export const sendTimeoutCase: fc.Arbitrary<Case> = fc
  .record({
    everyMs: fc.integer({ min: 1000, max: 20_000 }),
    timeoutMs: fc.integer({ min: 1000, max: 30_000 }),
    goodbye,
  })
  .chain((server) =>
    fc
      .tuple(fc.constantFrom('goodbye-filter', 'hop-limit'), steadyMs, lateness, path)
      .map(([how, pausesMs, late, path]) => {
        const askedAtMs = 1.3 * (server.everyMs + server.timeoutMs) + 5000;
        return {
          mechanism: 'send-timeout',
          log: asked(sendTimeoutServer(server, latenessOf(late, 250), askedAtMs), {
            engine: how,
            pausesMs,
            load: 'idle',
            path,
            askedAtMs,
          }),
        };
      }),
  );

/** A server that sends on its own, or whose answer nobody hears, and whose kernel gives it up. */
export const retransmissionCase: fc.Arbitrary<Case> = fc
  .record({
    load: fc.constantFrom('idle', 'write'),
    firstMs: fc.integer({ min: 1000, max: 20_000 }),
    retries2: fc.integer({ min: 3, max: 8 }),
    userTimeoutMs: fc.option(fc.integer({ min: 2000, max: 30_000 }), { nil: undefined }),
  })
  .chain(({ load, firstMs, retries2, userTimeoutMs }) =>
    fc.tuple(engine, steadyMs, lateness, path).map(([how, pausesMs, late, path]) => {
      const from = load === 'write' ? 0 : firstMs;
      const { sent, death } = repetitions(from, latenessOf(late, 250), userTimeoutMs, retries2);
      const quiet: Sent[] =
        load === 'write' ? [] : [{ connection: 'quiet', kind: 'data', at: from }];
      return {
        mechanism: 'retransmission',
        log: asked([...quiet, ...sent], {
          engine: how,
          pausesMs,
          load,
          path: load === 'write' ? whenAsked(path) : path,
          askedAtMs: from + 1.3 * (death - from) + 1000,
        }),
      };
    }),
  );

interface Asking {
  readonly engine: VanishLog['engine'];
  readonly load: VanishLog['load'];
  readonly pausesMs: readonly number[];
  readonly askedAtMs: number;
  readonly path: Path;
}

/** Lifted in the end, where the goodbye was not heard before: it knows the connection no more. */
function asked(
  sent: readonly Sent[],
  { engine, load, pausesMs, askedAtMs, path }: Asking,
): VanishLog {
  const heard =
    engine !== 'min-ttl' &&
    sent.some(
      ({ connection, kind }) => connection === 'vanished' && (kind === 'fin' || kind === 'reset'),
    );
  const answer: Sent[] = heard
    ? []
    : [{ connection: 'vanished', kind: 'gone', at: askedAtMs + 21 }];
  return watched([...sent, ...answer], {
    engine,
    load,
    pausesMs,
    path,
    watchedMs: askedAtMs + 2000,
    liftedAtMs: heard ? null : askedAtMs,
  });
}
