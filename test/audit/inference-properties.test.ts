import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { infer } from '../../src/audit/inference.js';
import type { VanishLog } from '../../src/core/vanish-log.js';
import type { Estimate } from '../../src/core/vanish-inference.js';
import { asOf } from '../sim/watched-server.js';
import {
  endOfAllCase,
  heartbeatCase,
  idleTimeoutCase,
  keepaliveCase,
  lateGreetingCase,
  lossy,
  lostResetCase,
  retransmissionCase,
  sendTimeoutCase,
  steadyMs,
} from './servers.js';

// Thousands of servers take a busy machine longer than one test.
vi.setConfig({ testTimeout: 60_000 });

const anyCase = fc.oneof(
  keepaliveCase(),
  lostResetCase,
  endOfAllCase,
  idleTimeoutCase,
  lateGreetingCase,
  heartbeatCase,
  sendTimeoutCase,
  retransmissionCase,
);

/** No server at all: whatever can stand in a log. */
const anyLog: fc.Arbitrary<VanishLog> = fc
  .record({
    engine: fc.constantFrom('goodbye-filter', 'data-filter', 'hop-limit', 'min-ttl'),
    load: fc.constantFrom('idle', 'write'),
    rttMs: fc.integer({ min: 0, max: 300 }),
    lastWordWithinMs: fc.record({ quiet: fc.nat(1000), vanished: fc.nat(1000) }),
    liftedAtMs: fc.option(fc.integer({ min: 0, max: 12_000 })),
    watchedMs: fc.integer({ min: 12_000, max: 20_000 }),
    events: fc.array(
      fc.record({
        connection: fc.constantFrom('quiet', 'vanished'),
        kind: fc.constantFrom('bare', 'data', 'swallowed', 'fin', 'reset', 'gone', 'held', 'asked'),
        atMs: fc.integer({ min: 0, max: 12_000 }),
        withinMs: fc.integer({ min: 1, max: 500 }),
      }),
      { maxLength: 12 },
    ),
  })
  .map((log) => ({ ...log, events: log.events.toSorted((a, b) => a.atMs - b.atMs) }));

function holds(estimate: Estimate | null, truthMs: number): boolean {
  return estimate !== null && estimate.min <= truthMs && truthMs <= estimate.max;
}

function isNear(estimate: Estimate | null, truthMs: number): boolean {
  return estimate !== null && Math.abs(estimate.ms - truthMs) <= 300 + 0.03 * truthMs;
}

/** Read from the log as it stands, with none of what the inference is made of. */
function evidenceIn({ events, liftedAtMs }: VanishLog) {
  const vanished = events.filter(
    ({ connection, kind }) => connection === 'vanished' && kind !== 'asked',
  );
  const end = vanished.find(({ kind }) => ENDS.includes(kind));
  const segments = (end === undefined ? vanished : vanished.slice(0, vanished.indexOf(end))).filter(
    ({ kind, atMs }) => !ENDS.includes(kind) && (liftedAtMs === null || atMs <= liftedAtMs),
  );
  const quietEnd = events.find(
    ({ connection, kind }) => connection === 'quiet' && (kind === 'fin' || kind === 'reset'),
  );
  const times = segments.map(({ atMs }) => atMs);
  const gaps = times.slice(1).map((atMs, at) => atMs - (times[at] ?? 0));
  const first = gaps.find((gap) => gap > 0) ?? Infinity;
  return {
    segments: segments.length,
    data: segments.filter(({ kind }) => kind === 'data').length,
    end: end?.kind,
    /** The longest pause, in first ones. */
    growth: Math.max(...gaps.map((gap) => gap + 500)) / first,
    endsInOneRound:
      quietEnd !== undefined &&
      [...segments, ...(end === undefined ? [] : [end])].some(
        ({ atMs }) => Math.abs(atMs - quietEnd.atMs) <= 3000 + 0.13 * Math.max(atMs, quietEnd.atMs),
      ),
  };
}

const ENDS: readonly string[] = ['fin', 'reset', 'gone', 'held'];

describe('a server of one kind', () => {
  it('with keepalive is named so, its count exact and its times within their spans', () => {
    fc.assert(
      fc.property(keepaliveCase(), ({ log, settings }) => {
        const { mechanism, inferred } = infer(log);
        expect(mechanism).toBe('keepalive');
        expect(inferred.count).toBe(settings.count);
        expect(holds(inferred.idleMs, settings.idleMs)).toBe(true);
        expect(holds(inferred.intervalMs, settings.intervalMs)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('whose RST was lost has no count, or with the minimum TTL one too few', () => {
    fc.assert(
      fc.property(lostResetCase, ({ log, settings }) => {
        const { mechanism, inferred, evidence } = infer(log);
        if (log.engine !== 'min-ttl') {
          expect({ mechanism, count: inferred.count }).toEqual({
            mechanism: 'keepalive',
            count: null,
          });
          return;
        }
        expect(['keepalive', 'ambiguous']).toContain(mechanism);
        if (inferred.count === null) return;
        expect(inferred.count).toBe(settings.count - 1);
        expect(evidence).toMatch(
          /taken for the RST: had that been lost, it would be one probe more/,
        );
      }),
      { numRuns: 2000 },
    );
  });

  it('with a loop that has time, idle and interval are within 0.3 s + 3 %', () => {
    // Above 13 s a kernel of 300 Hz may be two seconds late, and nothing tells by how much.
    const short = fc.integer({ min: 1, max: 13 });
    const round = fc.constantFrom(15, 20, 25, 30, 45, 60, 75, 90, 120, 300, 600);
    const settings = fc.record({
      idleMs: fc.oneof(short, round).map((seconds) => seconds * 1000),
      intervalMs: fc.oneof(short, round).map((seconds) => seconds * 1000),
      count: fc.integer({ min: 1, max: 5 }),
    });
    fc.assert(
      fc.property(keepaliveCase(settings, steadyMs), ({ log, settings }) => {
        const { inferred } = infer(log);
        expect(isNear(inferred.idleMs, settings.idleMs)).toBe(true);
        expect(isNear(inferred.intervalMs, settings.intervalMs)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['an idle timeout', idleTimeoutCase],
    ['a heartbeat', heartbeatCase],
    ['a send timeout', sendTimeoutCase],
    ['unanswered data alone', retransmissionCase],
  ])('with %s is named so', (_, cases) => {
    fc.assert(
      fc.property(cases, ({ log, mechanism }) => {
        expect(infer(log)).toMatchObject({ mechanism, noticed: true, next: { kind: 'done' } });
      }),
      { numRuns: 1000 },
    );
  });

  it('is not taken for one of another kind, whatever was lost and whenever it is asked', () => {
    fc.assert(
      fc.property(
        lossy(anyCase),
        fc.double({ min: 0, max: 1, noNaN: true }),
        ({ log, mechanism, alike = [] }, part) => {
          const said = infer(asOf(log, part * log.watchedMs)).mechanism;
          expect([mechanism, ...alike, 'ambiguous', 'none-seen']).toContain(said);
        },
      ),
      { numRuns: 10_000 },
    );
  });
});

describe('any log', () => {
  it('names no mechanism whose evidence is absent', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyLog,
          lossy(anyCase).map(({ log }) => log),
        ),
        (log) => {
          const { mechanism, quiet } = infer(log);
          const seen = evidenceIn(log);
          if (mechanism === 'keepalive') {
            expect(quiet).toMatchObject({ kind: 'open', dataSegments: 0 });
            expect(quiet.probes).toBeGreaterThan(0);
            expect(seen.segments).toBeGreaterThan(0);
            expect(seen.data).toBe(0);
            expect(seen.end).not.toBe('fin');
          }
          if (mechanism === 'idle-timeout') {
            expect(quiet).toMatchObject({ kind: 'closed', dataSegments: 0 });
            expect(seen.endsInOneRound).toBe(true);
          }
          if (mechanism === 'heartbeat') {
            expect(quiet.kind).toBe('closed');
            expect(quiet.dataSegments).toBeGreaterThan(0);
            expect(seen.segments).toBeGreaterThan(0);
            expect(['fin', 'reset', 'gone']).toContain(seen.end);
          }
          if (mechanism === 'send-timeout') {
            expect(quiet.kind).toBe('open');
            expect(quiet.dataSegments).toBeGreaterThan(0);
            expect(seen.segments).toBeGreaterThan(0);
            expect(['fin', 'reset']).toContain(seen.end);
          }
          if (mechanism === 'retransmission') {
            expect(quiet.kind).toBe('open');
            expect(seen.growth).toBeGreaterThan(1.4);
          }
          if (mechanism === 'none-seen') expect(quiet).toMatchObject({ kind: 'open', probes: 0 });
        },
      ),
      { numRuns: 10_000 },
    );
  });

  it('has an answer that agrees with itself', () => {
    fc.assert(
      fc.property(anyLog, (log) => {
        const answer = infer(log);
        const { noticedAfterMs, inferred } = answer;
        expect(answer.candidates.length > 0).toBe(answer.mechanism === 'ambiguous');
        expect(noticedAfterMs !== null).toBe(answer.noticed);
        expect(answer.how !== null).toBe(answer.noticed);
        for (const each of [noticedAfterMs, inferred.idleMs, inferred.intervalMs]) {
          if (each === null) continue;
          expect(each.min).toBeLessThanOrEqual(each.ms);
          expect(each.ms).toBeLessThanOrEqual(each.max);
        }
      }),
      { numRuns: 10_000 },
    );
  });

  it('is no notice before the end is in it, and an answer that is done stays', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          anyLog,
          lossy(anyCase).map(({ log }) => log),
        ),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (log, part) => {
          const ms = part * log.watchedMs;
          const end = log.events.find(
            ({ connection, kind }) =>
              connection === 'vanished' && ['fin', 'reset', 'gone', 'held'].includes(kind),
          );
          const then = infer(asOf(log, ms));
          expect(then.noticed).toBe(end !== undefined && end.kind !== 'held' && end.atMs <= ms);
          if (then.next.kind === 'done') expect(infer(log)).toEqual(then);
        },
      ),
      { numRuns: 10_000 },
    );
  });
});
