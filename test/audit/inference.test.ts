import { describe, expect, it } from 'vitest';
import { infer, unansweredFor } from '../../src/audit/inference.js';
import type { VanishEvent, VanishEventKind, VanishLog } from '../../src/core/vanish-log.js';
import { logOf } from './logs.js';

/** Seen in the moment it happened. */
const seen =
  (connection: VanishEvent['connection']) =>
  (kind: VanishEventKind, ...times: readonly number[]): readonly VanishEvent[] =>
    times.map((atMs) => ({ connection, kind, atMs, withinMs: 10 }));
const quiet = seen('quiet');
const vanished = seen('vanished');

/** `keepalive RST done`, or `ambiguous (keepalive idle-timeout) RST done`. */
function said(log: VanishLog): string {
  const { mechanism, candidates, how, next } = infer(log);
  const doubts = candidates.length === 0 ? '' : ` (${candidates.join(' ')})`;
  return `${mechanism}${doubts} ${how ?? 'not'} ${next.kind}`;
}

const probes = [vanished('swallowed', 2000, 3000, 4000), quiet('bare', 2000, 4000)];
const keepalive = [...probes, vanished('reset', 5000)];

/** What data that the server sends on its own may come to. */
const unanswered = 'heartbeat send-timeout retransmission';

/** One segment that nobody acknowledges, from when it left. */
const backOff = (from: number) => [0, 200, 400, 800, 1600, 3200].map((after) => from + after);

describe('a last word that was seen late', () => {
  const late = { lastWordWithinMs: { quiet: 20, vanished: 320 } };

  it('leaves a keepalive one, whose first probe seems to come early on one connection', () => {
    const events = [
      vanished('swallowed', 700, 1700, 2700),
      quiet('bare', 1000, 2000, 3000),
      vanished('reset', 3700),
    ];
    expect(said(logOf(events))).toBe('ambiguous (keepalive idle-timeout) RST done');
    const { mechanism, inferred } = infer(logOf(events, late));
    expect({ mechanism, idleMs: inferred.idleMs?.ms }).toEqual({
      mechanism: 'keepalive',
      idleMs: 1000,
    });
  });

  it('makes an idle timeout as much longer, perhaps', () => {
    const events = [vanished('fin', 2800), quiet('fin', 3000)];
    const { idleMs } = infer(logOf(events, late)).inferred;
    expect(idleMs).toEqual({ ms: 2800, min: 2790, max: 3120 });
  });

  it('makes the notice as much later, perhaps, and the end of the quiet one', () => {
    const { noticedAfterMs } = infer(logOf(keepalive, late));
    expect(noticedAfterMs).toEqual({ ms: 4995, min: 4990, max: 5320 });
    const events = [vanished('fin', 2800), quiet('fin', 3000)];
    const { quiet: end } = infer(logOf(events, { lastWordWithinMs: { quiet: 320, vanished: 20 } }));
    expect(end).toMatchObject({ afterMs: { ms: 2995, min: 2990, max: 3320 } });
  });

  it('is none of what was unanswered', () => {
    const beats = [quiet('data', 1000), vanished('swallowed', ...backOff(1000))];
    const events = [...beats, vanished('fin', 5000)];
    expect(unansweredFor(logOf(events, late))).toEqual(unansweredFor(logOf(events)));
    expect(unansweredFor(logOf(events, late))).toMatchObject({ min: 3990, max: 4010 });
  });
});

describe('keepalive', () => {
  it('tells idle, interval and count', () => {
    expect(infer(logOf(keepalive))).toEqual({
      noticed: true,
      noticedAfterMs: { ms: 4995, min: 4990, max: 5020 },
      how: 'RST',
      mechanism: 'keepalive',
      candidates: [],
      evidence:
        '3 probes without data went unanswered, then RST; the quiet one answered its own and stayed open; a user timeout there would set their number',
      inferred: {
        settings: ['idleMs', 'intervalMs', 'count'],
        idleMs: { ms: 2000, min: 1776.667, max: 2020 },
        intervalMs: { ms: 1000, min: 916.667, max: 1003.333 },
        count: 3,
      },
      quiet: { kind: 'open', probes: 2, dataSegments: 0 },
      next: { kind: 'done' },
    });
  });

  it.each<[string, readonly (readonly VanishEvent[])[], string]>([
    ['by all of it', keepalive, 'keepalive RST done'],
    [
      'of one probe',
      [quiet('bare', 2000), vanished('swallowed', 2000), vanished('reset', 5000)],
      'keepalive RST done',
    ],
    [
      'not when the quiet one was closed at the same time',
      [...keepalive, quiet('fin', 5100)],
      'ambiguous (keepalive idle-timeout) RST done',
    ],
    [
      'when the quiet one was closed later',
      [...keepalive, quiet('fin', 5600)],
      'keepalive RST done',
    ],
    [
      'not when the quiet one was not probed',
      [vanished('swallowed', 2000, 3000, 4000), vanished('reset', 5000)],
      'ambiguous (keepalive idle-timeout) RST done',
    ],
    [
      'not when the quiet one was probed at another time',
      [vanished('swallowed', 2000, 3000, 4000), quiet('bare', 2600), vanished('reset', 5000)],
      'ambiguous (keepalive idle-timeout) RST done',
    ],
    [
      'not when it ended with FIN',
      [...probes, vanished('fin', 5000)],
      'ambiguous (idle-timeout heartbeat) FIN done',
    ],
    [
      'not when the RST came at another time',
      [...probes, vanished('reset', 4300)],
      'ambiguous (keepalive idle-timeout) RST done',
    ],
    [
      'not when the probes had no rhythm',
      [quiet('bare', 2000), vanished('swallowed', 2000, 3000, 5700), vanished('reset', 6700)],
      'ambiguous (keepalive idle-timeout) RST done',
    ],
    [
      'not when there was data among them',
      [quiet('bare', 2000), vanished('data', 2000, 3000, 4000), vanished('reset', 5000)],
      'ambiguous (keepalive idle-timeout) RST done',
    ],
  ])('is named %s', (_, events, expected) => {
    expect(said(logOf(events))).toBe(expected);
  });

  it('is not counted when one probe was lost', () => {
    const lost = [
      quiet('bare', 2000),
      vanished('swallowed', 2000, 3000, 5000, 6000),
      vanished('reset', 7000),
    ];
    expect(infer(logOf(lost))).toMatchObject({
      mechanism: 'keepalive',
      inferred: { idleMs: { ms: 2000 }, intervalMs: { ms: 1000 }, count: null },
    });
  });

  it('is not counted when the first one was lost: the quiet one got its own', () => {
    const lost = [quiet('bare', 2000), vanished('swallowed', 3000, 4000), vanished('reset', 5000)];
    expect(infer(logOf(lost))).toMatchObject({
      mechanism: 'keepalive',
      inferred: { idleMs: { ms: 2000 }, intervalMs: { ms: 1000 }, count: null },
    });
  });

  it('so far tells when the server gives up at the earliest and at the latest', () => {
    const log = logOf(probes, { watchedMs: 4010 });
    const { noticed, inferred, next } = infer(log);
    expect({ noticed, count: inferred.count, next }).toEqual({
      noticed: false,
      count: null,
      next: {
        kind: 'watch',
        changesAtMs: 6670,
        end: { min: 4905, max: 129_655 },
      },
    });
  });

  it('whose RST does not come is asked for when that, and one more, is overdue', () => {
    expect(said(logOf(probes, { watchedMs: 6669 }))).toBe('keepalive not watch');
    expect(said(logOf(probes, { watchedMs: 6670 }))).toBe('keepalive not lift');
  });

  it('with the minimum TTL ends with a segment that may be its RST', () => {
    const hidden = [vanished('swallowed', 2000, 3000, 4000, 5000), quiet('bare', 2000, 4000)];
    const engine = 'min-ttl';
    expect(said(logOf(hidden, { engine, watchedMs: 6500 }))).toBe('keepalive not watch');
    expect(said(logOf(hidden, { engine, watchedMs: 6600 }))).toBe('keepalive not lift');
    const gone = logOf([...hidden, vanished('gone', 6700)], { engine, liftedAtMs: 6600 });
    expect(infer(gone)).toMatchObject({
      noticedAfterMs: { min: 4990, max: 5020 },
      how: 'unknown',
      mechanism: 'keepalive',
      inferred: { count: 3 },
    });
    expect(infer(gone).evidence).toBe(
      '3 probes without data went unanswered, then it was given up; the quiet one answered its own and stayed open; the segment after them is taken for the RST: had that been lost, it would be one probe more; a user timeout there would set their number',
    );
    const held = logOf([...hidden, vanished('held', 6700)], { engine, liftedAtMs: 6600 });
    expect(infer(held)).toMatchObject({ noticed: false, inferred: { count: null } });
    expect(said(held)).toBe('keepalive not done');
  });

  it('is told of with a wider span when whoever watched was stalled', () => {
    const stalled = logOf([
      vanished('swallowed', 2000, 3000),
      quiet('bare', 2000),
      [{ connection: 'vanished', kind: 'swallowed', atMs: 4600, withinMs: 800 }],
      vanished('reset', 5000),
    ]);
    const { mechanism, inferred } = infer(stalled);
    expect(mechanism).toBe('keepalive');
    expect(inferred.count).toBe(3);
    expect(inferred.intervalMs?.ms).toBe(1000);
    const late = [{ connection: 'vanished', kind: 'reset', atMs: 5800, withinMs: 900 }] as const;
    expect(infer(logOf([...probes, late])).noticedAfterMs).toEqual({
      ms: 5350,
      min: 4900,
      max: 5820,
    });
  });
});

describe('an idle timeout', () => {
  it.each<[string, readonly (readonly VanishEvent[])[], string]>([
    ['when both are closed', [quiet('fin', 5000), vanished('fin', 5000)], 'idle-timeout FIN done'],
    [
      'when whoever closes looks once in two seconds',
      [quiet('fin', 7000), vanished('fin', 5000)],
      'idle-timeout FIN done',
    ],
    [
      'when both are reset',
      [quiet('reset', 5000), vanished('reset', 5000)],
      'idle-timeout RST done',
    ],
    [
      'when a farewell comes before',
      [quiet('data', 4990), quiet('fin', 5000), vanished('swallowed', 4990), vanished('fin', 5000)],
      'idle-timeout FIN done',
    ],
    [
      'when a slower keepalive has probed before',
      [quiet('bare', 3000), vanished('swallowed', 3000), quiet('fin', 5000), vanished('fin', 5000)],
      'idle-timeout FIN done',
    ],
    [
      'not when they are closed far apart',
      [quiet('fin', 5000), vanished('fin', 9000)],
      'ambiguous (idle-timeout heartbeat) FIN done',
    ],
    [
      'not when only the vanished one is closed',
      [vanished('fin', 5000)],
      'ambiguous (idle-timeout heartbeat) FIN done',
    ],
    [
      'not when only the quiet one is closed',
      [quiet('fin', 5000)],
      'ambiguous (idle-timeout heartbeat) not lift',
    ],
  ])('is named %s', (_, events, expected) => {
    expect(said(logOf(events))).toBe(expected);
  });

  it('has no interval and no count, and the end of the quiet one a span', () => {
    const { inferred, quiet: end } = infer(logOf([quiet('fin', 5000), vanished('fin', 5000)]));
    expect(inferred).toMatchObject({ settings: ['idleMs'], intervalMs: null, count: null });
    expect(end).toMatchObject({ by: 'FIN', afterMs: { ms: 4995, min: 4990, max: 5020 } });
  });

  it('is not all that it may be, and its evidence says so', () => {
    expect(infer(logOf([quiet('fin', 5000), vanished('fin', 5000)])).evidence).toBe(
      'the quiet one was closed though it could be reached, and at the same time so was the vanished one; a limit on their age (a login grace time) or a restart at that moment would look the same',
    );
  });

  it('waits for the quiet one before it says more', () => {
    const alone = [vanished('fin', 5000)];
    const next = { kind: 'watch', changesAtMs: 7500, end: null };
    expect(infer(logOf(alone, { watchedMs: 7499 })).next).toEqual(next);
    expect(infer(logOf(alone, { watchedMs: 7500 })).next).toEqual({ kind: 'done' });
  });

  it('with the minimum TTL shows as something swallowed when the quiet one is closed', () => {
    const engine = 'min-ttl';
    const hidden = [quiet('fin', 5000), vanished('swallowed', 5010, 5210, 5620)];
    expect(said(logOf(hidden, { engine }))).toBe('idle-timeout not lift');
    const liftedAtMs = 6000;
    const gone = logOf([...hidden, vanished('gone', 6100)], { engine, liftedAtMs });
    expect(said(gone)).toBe('idle-timeout unknown done');
    const fin = logOf([...hidden, vanished('fin', 6100)], { engine, liftedAtMs });
    expect(said(fin)).toBe('idle-timeout FIN done');
    expect(infer(fin).noticedAfterMs?.max).toBe(5030);
  });
});

describe('a heartbeat', () => {
  const beats = [quiet('data', 1000, 2000, 3000), vanished('swallowed', ...backOff(1000))];

  it.each<[string, readonly (readonly VanishEvent[])[], string]>([
    [
      'when both are closed after data',
      [...beats, quiet('fin', 4500), vanished('fin', 4500)],
      'heartbeat FIN done',
    ],
    [
      'when the quiet one is closed in the next round',
      [...beats, quiet('fin', 6500), vanished('fin', 4500)],
      'heartbeat FIN done',
    ],
    [
      'not when the quiet one stays open: it answered no more than the other',
      [...beats, vanished('reset', 4500)],
      'send-timeout RST done',
    ],
    ['not while neither is', beats, `ambiguous (${unanswered}) not lift`],
    [
      'not when the vanished one got no data',
      [quiet('data', 1000, 2000), vanished('fin', 4500)],
      `ambiguous (${unanswered}) FIN done`,
    ],
  ])('is named %s', (_, events, expected) => {
    expect(said(logOf(events))).toBe(expected);
  });

  const greeted = [quiet('data', 1500), vanished('swallowed', 1500, 1700, 1904, 2316)];
  const asked = [quiet('data', 2000), vanished('swallowed', 2000, 2200, 2404, 2816, 3640)];

  it.each<[string, readonly (readonly VanishEvent[])[], string]>([
    [
      'of one beat when the end keeps time with it',
      [...asked, quiet('fin', 4010), vanished('fin', 4000)],
      'heartbeat FIN done',
    ],
    [
      'not of one sending: a late greeting, and an idle timeout',
      [...greeted, quiet('fin', 5000), vanished('fin', 5000)],
      'ambiguous (idle-timeout heartbeat) FIN done',
    ],
    [
      'of two beats when both gaps are one time',
      [...asked, quiet('data', 4000), quiet('fin', 4500), vanished('fin', 4500)],
      'heartbeat FIN done',
    ],
    [
      'not of two that are no rhythm',
      [...greeted, quiet('data', 2000), quiet('fin', 5000), vanished('fin', 5000)],
      'ambiguous (idle-timeout heartbeat) FIN done',
    ],
    [
      'of beats that follow a greeting',
      [...greeted, quiet('data', 5000, 7000, 9000), quiet('fin', 9500), vanished('fin', 9500)],
      'heartbeat FIN done',
    ],
    [
      'not of news that come when there are some',
      [...greeted, quiet('data', 2000, 4500), quiet('fin', 5000), vanished('fin', 5000)],
      'ambiguous (idle-timeout heartbeat) FIN done',
    ],
  ])('is named %s', (_, events, expected) => {
    expect(said(logOf(events))).toBe(expected);
  });

  it('tells when the first beat came, and how far they are apart', () => {
    const { inferred } = infer(logOf([...beats, vanished('fin', 4500)]));
    expect(inferred).toEqual({
      settings: ['idleMs', 'intervalMs'],
      idleMs: { ms: 995, min: 990, max: 1020 },
      intervalMs: { ms: 1000, min: 990, max: 1010 },
      count: null,
    });
  });

  it('whose FIN waits behind beats that are never sent is asked for', () => {
    const waiting = [...beats, quiet('fin', 4500)];
    const unheard = `ambiguous (${unanswered}) not`;
    expect(said(logOf(waiting, { watchedMs: 7499 }))).toBe(`${unheard} watch`);
    expect(said(logOf(waiting, { watchedMs: 7500 }))).toBe(`${unheard} lift`);
    const lifted = logOf([...waiting, vanished('fin', 7600)], { liftedAtMs: 7500 });
    expect(said(lifted)).toBe('heartbeat FIN done');
    expect(infer(lifted).noticedAfterMs).toEqual({ ms: 4500, min: 990, max: 7620 });
  });
});

describe('a send timeout', () => {
  const news = [
    quiet('data', 1000, 2000, 3000, 4000, 5000),
    vanished('swallowed', ...backOff(1000)),
  ];
  const closed = [...news, vanished('reset', 5000)];

  it('is named when the quiet one is still open after another round', () => {
    const soon = 'ambiguous (heartbeat send-timeout) RST watch';
    expect(said(logOf(closed, { watchedMs: 7499 }))).toBe(soon);
    expect(said(logOf(closed, { watchedMs: 7500 }))).toBe('send-timeout RST done');
    expect(infer(logOf(closed)).quiet.kind).toBe('open');
  });

  it('is not named when its FIN waited: whether the quiet one is closed too is not known', () => {
    const lifted = logOf([...news, vanished('fin', 6100)], { liftedAtMs: 6000 });
    expect(said(lifted)).toBe('ambiguous (heartbeat send-timeout) FIN done');
  });

  it('with the minimum TTL is no retransmission: the last one came before it was due', () => {
    const engine = 'min-ttl';
    const hidden = [...news, vanished('swallowed', 6200), vanished('gone', 12_100)];
    expect(said(logOf(hidden, { engine, liftedAtMs: 12_000 }))).toBe(
      `ambiguous (${unanswered}) unknown done`,
    );
    const onTime = [...news, vanished('swallowed', 7450), vanished('gone', 20_100)];
    expect(said(logOf(onTime, { engine, liftedAtMs: 20_000 }))).toBe('retransmission unknown done');
  });
});

describe('unanswered data', () => {
  const answer = [vanished('swallowed', ...backOff(10))];
  const load = 'write';

  it('is a retransmission once it comes again and again', () => {
    const soon = [vanished('swallowed', 10, 210)];
    expect(said(logOf(soon, { load }))).toBe(`ambiguous (keepalive ${unanswered}) not lift`);
    expect(said(logOf(answer, { load, watchedMs: 3300 }))).toBe('retransmission not watch');
  });

  it('that stops coming is asked for, and was given up in silence', () => {
    expect(said(logOf(answer, { load }))).toBe('retransmission not lift');
    const gone = logOf([...answer, vanished('gone', 8100)], { load, liftedAtMs: 8000 });
    expect(said(gone)).toBe('retransmission silently done');
    // The next expiry would have been 3.2 s after the last.
    expect(infer(gone).noticedAfterMs).toEqual({ ms: 6430, min: 3200, max: 8120 });
  });

  it('is given up in silence too when the RST answers the question asked again', () => {
    expect(said(logOf([...answer, vanished('reset', 6500)], { load }))).toBe(
      'retransmission silently done',
    );
  });

  it('is not what ends with a goodbye', () => {
    const closed = 'ambiguous (idle-timeout send-timeout)';
    expect(said(logOf([...answer, vanished('fin', 5000)], { load }))).toBe(`${closed} FIN done`);
    expect(said(logOf([...answer, vanished('reset', 4000)], { load }))).toBe(`${closed} RST done`);
  });

  it('may be given up by the default limit of a kernel at the latest', () => {
    const { next } = infer(logOf(answer, { load, watchedMs: 3300 }));
    expect(next).toMatchObject({ kind: 'watch', end: { min: 3200 } });
    const max = next.kind === 'watch' ? (next.end?.max ?? 0) : 0;
    expect(max).toBeGreaterThan(925_000);
    expect(max).toBeLessThan(1_060_000);
  });

  it('that the server sends on its own is one when it dies in silence and the quiet one lives', () => {
    const talk = [quiet('data', 1000, 2000, 3000), vanished('swallowed', ...backOff(1000))];
    const gone = vanished('gone', 9000);
    expect(said(logOf([...talk, gone], { liftedAtMs: 8900 }))).toBe('retransmission silently done');
    expect(said(logOf([...talk, quiet('fin', 4500), gone], { liftedAtMs: 8900 }))).toBe(
      `ambiguous (${unanswered}) silently done`,
    );
  });
});

describe('after its end', () => {
  it('nothing counts of the quiet one either', () => {
    const closed = [quiet('fin', 5000), vanished('reset', 5000)];
    const later = [quiet('bare', 5500), quiet('data', 5600)];
    expect(infer(logOf([...closed, ...later]))).toEqual(infer(logOf(closed)));
  });
});

it('tells the same whether it was asked to prove the vanishing or not', () => {
  for (const events of [[], keepalive, [vanished('fin', 5000)]]) {
    expect(infer(logOf([...events, vanished('asked', 1500)], { watchedMs: 65_000 }))).toEqual(
      infer(logOf(events, { watchedMs: 65_000 })),
    );
  }
});

describe('nothing', () => {
  it('is what was seen, however long it was watched', () => {
    expect(infer(logOf([]))).toMatchObject({
      noticed: false,
      how: null,
      mechanism: 'none-seen',
      quiet: { kind: 'open' },
      next: { kind: 'watch', changesAtMs: null, end: null },
    });
  });

  it('is still nothing when only the acknowledgement of the last word was seen', () => {
    expect(said(logOf([quiet('bare', 40), vanished('swallowed', 40)]))).toBe('none-seen not watch');
  });

  it('and gone when asked is no mechanism', () => {
    expect(said(logOf([vanished('gone', 60_000)], { liftedAtMs: 59_000 }))).toBe(
      'ambiguous (keepalive idle-timeout) silently done',
    );
    expect(said(logOf([vanished('held', 60_000)], { liftedAtMs: 59_000 }))).toBe(
      'none-seen not done',
    );
  });
});
