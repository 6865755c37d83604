import { describe, expect, it } from 'vitest';
import type { VanishEvent } from '../../src/core/vanish-log.js';
import type { VanishNews, VanishResult } from '../../src/core/vanish-result.js';
import {
  vanishIntroduction,
  vanishLine,
  vanishStatus,
  vanishSummary,
} from '../../src/report/vanish.js';
import { interval, never, resultOf } from './comparison-fixture.js';

/** A Redis with tcp-keepalive 3; until told otherwise. */
function resultWith(changes: Partial<VanishResult> = {}): VanishResult {
  const { host, capabilities } = resultOf();
  return {
    schema: 'tcpalive/vanish/1',
    complete: true,
    startedAt: '2026-11-20T14:02:02.000Z',
    durationMs: 8123,
    host,
    capabilities,
    target: 'cache.example:6379',
    measured: '192.0.2.7:6379',
    addresses: ['192.0.2.7', '192.0.2.8'],
    tls: null,
    protocol: null,
    engine: 'goodbye-filter',
    load: 'idle',
    waitMs: 1_200_000,
    watchedMs: 8123,
    proven: true,
    provenBy: 'segment',
    noticed: true,
    noticedAfterMs: { ms: 6052, min: 6048, max: 6056 },
    how: 'RST',
    mechanism: 'keepalive',
    candidates: [],
    evidence: '3 probes without data went unanswered, then RST',
    inferred: {
      settings: ['idleMs', 'intervalMs', 'count'],
      idleMs: { ms: 3000, min: 2788, max: 3021 },
      intervalMs: { ms: 1000, min: 990, max: 1031 },
      count: 3,
    },
    quiet: { kind: 'open', probes: 2, dataSegments: 0 },
    connections: [],
    kept: {
      idle: { kind: 'measured', afterMs: { ms: 6052, min: 6048, max: 6056 } },
      write: {
        kind: 'predicted',
        prediction: interval(925_000, 947_700),
        assuming: 'a Linux server',
      },
      hung: { kind: 'longer', thanMs: 8123, prediction: never, assuming: 'a Linux server' },
    },
    notes: [],
    ...changes,
  };
}

const nothing = {
  noticed: false,
  noticedAfterMs: null,
  how: null,
  inferred: { settings: [], idleMs: null, intervalMs: null, count: null },
} as const;

describe('vanishSummary', () => {
  it('is the verdict, what it rests on, and what it means for three kinds of client', () => {
    expect(vanishSummary(resultWith(), 100)).toMatchInlineSnapshot(`
      "--- cache.example:6379 at 192.0.2.7:6379 (one of 192.0.2.7, 192.0.2.8): a client that vanishes ---
      noticed after 6.05s (RST): keepalive of its kernel, keepalive=3s:1s:3
      inferred: idle 3.00s (2.79-3.02s), interval 1.00s (0.99-1.03s), 3 probes
      seen: 3 probes without data went unanswered, then RST
      cut off by a socket filter that lets goodbyes pass (goodbye-filter)
      proven: a segment of the server's was swallowed
      whoever terminates TCP there keeps a client that
        vanishes while idle          6.05s (measured)
        vanishes before its reply    15m25s-48s (predicted)
        hangs, its kernel reachable  longer than 8.1s (measured), for ever (predicted)
      predicted for a Linux server
      "
    `);
  });

  it('says that an idle timeout is not about the vanishing', () => {
    const idle = { ms: 3002, min: 2998, max: 3003 };
    expect(
      vanishSummary(
        resultWith({
          target: '192.0.2.7:80',
          measured: '192.0.2.7:80',
          addresses: ['192.0.2.7'],
          proven: false,
          provenBy: null,
          noticedAfterMs: idle,
          how: 'FIN',
          mechanism: 'idle-timeout',
          evidence: 'both were closed',
          inferred: { ...nothing.inferred, idleMs: idle },
          kept: { ...resultWith().kept, hung: { kind: 'measured', afterMs: idle } },
        }),
        100,
      ),
    ).toMatchInlineSnapshot(`
      "--- 192.0.2.7:80: a client that vanishes ---
      noticed after 3.00s (FIN): an idle timeout of 3.00s, which ends reachable clients that say
          nothing too
      seen: both were closed
      cut off by a socket filter that lets goodbyes pass (goodbye-filter)
      not proven: nothing came that could have been missed
      whoever terminates TCP there keeps a client that
        vanishes while idle          6.05s (measured)
        vanishes before its reply    15m25s-48s (predicted)
        hangs, its kernel reachable  3.00s (measured)
      predicted for a Linux server
      "
    `);
  });

  it('says what was not seen, and never that it never comes', () => {
    const text = vanishSummary(
      resultWith({
        ...nothing,
        mechanism: 'none-seen',
        evidence: 'the server sent nothing on either connection',
        provenBy: 'probe',
        watchedMs: 1_200_000,
        kept: {
          ...resultWith().kept,
          idle: { kind: 'longer', thanMs: 1_200_000, prediction: never, assuming: 'nothing' },
        },
      }),
      100,
    );
    expect(text).toContain('not noticed within 20m0s: it sent nothing at all\n');
    expect(text).toContain('\nproven: the answer to a probe of ours was swallowed\n');
    expect(text).toContain('longer than 20m0s (measured), for ever (predicted)\n');
    expect(text).toContain('predicted for nothing\npredicted for a Linux server\n');
    expect(text).not.toMatch(/never/);
  });

  it.each<[string, Partial<VanishResult>]>([
    [
      'noticed after 1.99-5.35s: a heartbeat of its program, the first beat after 1.99s, then every 2.00s',
      {
        how: 'unknown',
        mechanism: 'heartbeat',
        noticedAfterMs: { ms: 4000, min: 1993, max: 5350 },
        inferred: {
          settings: ['idleMs', 'intervalMs', 'count'],
          idleMs: { ms: 1991, min: 1989, max: 1994 },
          intervalMs: { ms: 2000, min: 1999, max: 2001 },
          count: null,
        },
      },
    ],
    [
      'noticed after 6.80-13.90s, silently: its kernel gave up what stayed unacknowledged',
      {
        how: 'silently',
        mechanism: 'retransmission',
        noticedAfterMs: { ms: 13_400, min: 6800, max: 13_900 },
        inferred: nothing.inferred,
      },
    ],
    [
      'not noticed within 8.1s: it has begun: its kernel retransmits what stays unacknowledged',
      { ...nothing, mechanism: 'retransmission' },
    ],
    [
      'not noticed so far, after 8.1s: ambiguous: heartbeat or retransmission',
      {
        ...nothing,
        complete: false,
        mechanism: 'ambiguous',
        candidates: ['heartbeat', 'retransmission'],
      },
    ],
    [
      // 2 to 3 s: two settings of whole seconds fit.
      'noticed after 6.05s (RST): keepalive of its kernel',
      {
        inferred: {
          settings: ['idleMs', 'intervalMs', 'count'],
          idleMs: { ms: 2500, min: 1900, max: 3100 },
          intervalMs: null,
          count: null,
        },
        noticedAfterMs: { ms: 6050, min: 6040, max: 6060 },
      },
    ],
  ])('says %s', (words, changes) => {
    expect(
      vanishSummary(resultWith(changes), 100)
        .split('\n')
        .slice(1)
        .join(' ')
        .replaceAll(/ {2,}/g, ' '),
    ).toContain(`${words} `);
  });

  it('prints nothing raw', () => {
    expect(vanishSummary(resultWith({ target: 'a\u001b[2Jb:80' }), 100)).not.toContain('\u001b');
  });
});

describe('while it runs', () => {
  const seen = (kind: VanishEvent['kind']): VanishNews => ({
    event: 'seen',
    number: 1,
    seen: { connection: 'vanished', kind, atMs: 3012, withinMs: 10 },
  });

  it('says first what it takes', () => {
    expect(vanishIntroduction('192.0.2.7:80', 1, 1_200_000)).toBe(
      '192.0.2.7:80: opens 2 connections and keeps them for 20m0s at most; the server has them back at the end, and at Ctrl-C',
    );
  });

  it('is a line for each thing seen', () => {
    expect(
      [
        {
          event: 'opened',
          measured: '192.0.2.7:80',
          addresses: ['192.0.2.7', '192.0.2.8'],
          tls: null,
        } as const,
        { event: 'greeted-late' } as const,
        { event: 'vanished', number: 1, engine: 'min-ttl' } as const,
        {
          event: 'seen',
          number: 0,
          seen: { connection: 'quiet', kind: 'bare', atMs: 2010, withinMs: 9 },
        } as const,
        ...(['bare', 'data', 'swallowed', 'fin', 'reset', 'gone', 'held'] as const).map(seen),
        { event: 'proven', number: 1, by: 'probe' } as const,
        { event: 'lifted', number: 1, answer: 'none' } as const,
      ]
        .map(vanishLine)
        .join('\n'),
    ).toMatchInlineSnapshot(`
      "measured is whoever terminates TCP at 192.0.2.7:80 (one of 192.0.2.7, 192.0.2.8)
      the server spoke first only now: begun anew, and it is waited for
      connection 1 has vanished, by min-ttl
      the quiet connection: a segment without data came after 2.01s: a probe
      connection 1: a segment without data came after 3.01s: a probe
      connection 1: data came after 3.01s
      connection 1: a segment was swallowed after 3.01s
      connection 1: closed (FIN) after 3.01s
      connection 1: closed (RST) after 3.01s


      connection 1: proven, the answer to a probe of ours was swallowed
      connection 1: reachable again, the server does not answer"
    `);
  });

  it('says what was seen, what it means so far, and when the end is due', () => {
    const { noticedAfterMs, how, mechanism, candidates, inferred, quiet } = resultWith();
    const told = { noticedAfterMs, how, mechanism, candidates, inferred, quiet, noticed: false };
    const status = (end: { min: number; max: number | null } | null, changes = {}) =>
      vanishStatus({
        event: 'watching',
        watchedMs: 4210,
        waitMs: 1_200_000,
        inference: {
          ...told,
          evidence: '2 probes without data went unanswered, so far',
          next: { kind: 'watch', changesAtMs: null, end },
          ...changes,
        },
      });
    expect(status({ min: 5000, max: 5160 })).toBe(
      '4.2s of at most 20m0s: keepalive so far: 2 probes without data went unanswered, so far; given up at 5.00-5.16s, if that goes on',
    );
    expect(status({ min: 5000, max: null })).toMatch(/; not given up before 5.00s$/);
    expect(status(null, { mechanism: 'none-seen' })).toBe('4.2s of at most 20m0s: nothing so far');
  });
});
