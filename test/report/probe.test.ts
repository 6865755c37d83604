import { describe, expect, it } from 'vitest';
import type {
  ProbeDrop,
  ProbeEvent,
  ProbeKernelView,
  ProbeResult,
  ProbeVerdict,
} from '../../src/core/probe-result.js';
import { noAnswerWords, probeLine, probeSummary } from '../../src/report/probe.js';
import { interval, never, plainStyle, resultOf } from './comparison-fixture.js';

const time = '2026-11-20T14:02:07.123Z';

const kernel: ProbeKernelView = {
  state: 'ESTABLISHED',
  rttMs: 0.043,
  retransmissions: 0,
  unacknowledgedSegments: 0,
  lastReceivedMs: 12,
};

const silent: ProbeKernelView = {
  ...kernel,
  retransmissions: 1,
  unacknowledgedSegments: 2,
  lastReceivedMs: 2012,
};

const dead: ProbeVerdict = {
  kind: 'dead',
  by: 'heartbeat',
  lastHeardAt: '2026-11-20T14:02:04.120Z',
  firstUnansweredAt: '2026-11-20T14:02:05.119Z',
  noticedAt: time,
  silentMs: 3003,
  where: 'process',
};

/** Five beats, five answers, alive; until told otherwise. */
function resultWith(changes: Partial<ProbeResult> = {}): ProbeResult {
  const { host, capabilities } = resultOf();
  return {
    schema: 'tcpalive/probe/1',
    complete: true,
    startedAt: '2026-11-20T14:02:02.000Z',
    durationMs: 5123,
    host,
    capabilities,
    target: '192.0.2.7:7777',
    addresses: ['192.0.2.7'],
    remote: '192.0.2.7:7777',
    tls: null,
    mode: 'heartbeat=1s:3s',
    protocol: { name: 'tcpalive', guessed: false },
    connections: 1,
    beats: {
      sent: 5,
      answered: 5,
      rttMs: { min: 0.05, median: 0.061, p95: 0.1, max: 0.1044, samples: [0.05, 0.061, 0.1044] },
    },
    verdict: { kind: 'alive' },
    lost: 0,
    drop: null,
    withoutMode: { idle: never, write: interval(925_000, 947_700) },
    kernel,
    notes: [],
    ...changes,
  };
}

const silence = { sent: 2, answered: 0, rttMs: null };

function lines(...events: readonly ProbeEvent[]): string {
  return events.map((event) => probeLine(event, plainStyle)).join('');
}

function ended(verdict: ProbeVerdict): ProbeEvent {
  return { event: 'ended', time, verdict };
}

describe('probeLine', () => {
  it('is a line an event', () => {
    const connected = {
      ...({ event: 'connected', time, local: '127.0.0.1:40001' } as const),
      ...({ addresses: ['127.0.0.1'], tls: null, protocol: null, asked: 'nobody' } as const),
    };
    const tls = {
      ...{ protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' },
      ...{ subject: 'CN=localhost', issuer: 'CN=tests', problem: null },
    };
    const untrusted = { ...tls, problem: 'it has expired' };
    expect(
      lines(
        { ...connected, remote: '127.0.0.1:7777', settings: 'none' },
        { ...connected, remote: '[::1]:7777', settings: 'user-timeout=3s' },
        { ...connected, remote: '[::1]:1', settings: 'none', addresses: ['::1', '127.0.0.1'], tls },
        { ...connected, remote: '127.0.0.1:1', settings: 'none', tls: untrusted },
        {
          ...connected,
          remote: '127.0.0.1:6379',
          settings: 'none',
          protocol: { name: 'redis', guessed: true },
          asked: 'process',
        },
        { ...connected, remote: '127.0.0.1:9000', settings: 'none', asked: 'kernel' },
        { event: 'beat', time, number: 1, rttMs: 0.0612, kernel },
        { event: 'beat', time, number: 2, rttMs: 1234.5, kernel },
        { event: 'unanswered', time, number: 3, kernel: silent },
        { event: 'quiet', time, kernel },
        { event: 'dropped', time, engine: 'min-ttl', predicted: interval(2000, 3000) },
        { event: 'dropped', time, engine: 'socket-filter', predicted: never },
        { event: 'reconnecting', time, afterMs: 1000, reason: 'it ended' },
      ),
    ).toMatchInlineSnapshot(`
      "14:02:07.123  connected 127.0.0.1:40001 -> 127.0.0.1:7777
      14:02:07.123  connected 127.0.0.1:40001 -> [::1]:7777, user-timeout=3s (read back)
      14:02:07.123  connected 127.0.0.1:40001 -> [::1]:1, one of ::1, 127.0.0.1; TLSv1.3 TLS_AES_256_GCM_SHA384 with CN=localhost
      14:02:07.123  connected 127.0.0.1:40001 -> 127.0.0.1:1; TLSv1.3 TLS_AES_256_GCM_SHA384 with CN=localhost, NOT TRUSTED: it has expired
      14:02:07.123  connected 127.0.0.1:40001 -> 127.0.0.1:6379 (speaks redis: guessed from the port; --protocol takes another)
      14:02:07.123  connected 127.0.0.1:40001 -> 127.0.0.1:9000 (unknown port: only its kernel is asked; --protocol asks the process)
      14:02:07.123  beat 1: 0.06 ms  (kernel: rtt 0.04 ms, 0 retransmissions, last segment 0.01s ago)
      14:02:07.123  beat 2: 1234.50 ms  (kernel: rtt 0.04 ms, 0 retransmissions, last segment 0.01s ago)
      14:02:07.123  beat 3: no answer yet  (kernel: rtt 0.04 ms, 1 retransmission, 2 unacknowledged, last segment 2.01s ago)
      14:02:07.123  no beats in this mode  (kernel: rtt 0.04 ms, 0 retransmissions, last segment 0.01s ago)
      14:02:07.123  cut now, by min-ttl: to be noticed after 2.00-3.00s (predicted)
      14:02:07.123  cut now, by socket-filter: this mode will never notice (predicted)
      14:02:07.123  it ended; connecting again in 1.00s
      "
    `);
  });

  it('says nothing of the kernel where that does not tell', () => {
    expect(
      lines(
        { event: 'beat', time, number: 1, rttMs: 0.06, kernel: null },
        { event: 'unanswered', time, number: 2, kernel: null },
        { event: 'quiet', time, kernel: null },
      ),
    ).not.toMatch(/kernel|null|undefined/);
  });

  it('tells a dead peer from one that said goodbye and one that never spoke', () => {
    expect(
      lines(
        ended(dead),
        ended({ ...dead, by: 'ETIMEDOUT', silentMs: 947_700 }),
        ended({ kind: 'closed', by: 'FIN', afterMs: 3000, detail: null }),
        ended({ kind: 'no-answer', by: 'heartbeat', afterMs: 3004, detail: null }),
        ended({ kind: 'no-answer', by: 'FIN', afterMs: 4, detail: null }),
        { event: 'failed', time, number: 7, reason: 'no TLS with 192.0.2.7:5432' },
        ended({ kind: 'unanswered', afterMs: 4012, detail: 'no TLS with 192.0.2.7:5432' }),
      ),
    ).toMatchInlineSnapshot(`
      "14:02:07.123  DEAD: noticed by heartbeat after 3.00s of silence
      14:02:07.123  DEAD: noticed by ETIMEDOUT after 15m48s of silence
      14:02:07.123  closed by the peer (FIN)
      14:02:07.123  not one beat was answered in 3.00s
      14:02:07.123  closed by the peer (FIN) after 0.00s, before one beat was answered
      14:02:07.123  beat 7: not sent: no TLS with 192.0.2.7:5432
      14:02:07.123  the last beats were not answered: nothing in 4.01s: no TLS with 192.0.2.7:5432
      "
    `);
  });

  it('colours what went wrong, and nothing else', () => {
    const style = { ...plainStyle, color: true };
    const late: ProbeEvent = { event: 'unanswered', time, number: 3, kernel: null };
    const beat: ProbeEvent = { event: 'beat', time, number: 1, rttMs: 0.06, kernel };
    expect(probeLine(beat, style)).toBe(probeLine(beat, plainStyle));
    expect(probeLine(late, style)).toBe(`\x1b[33m${lines(late).slice(0, -1)}\x1b[39m\n`);
    expect(probeLine(ended(dead), style)).toBe(
      `\x1b[31m${lines(ended(dead)).slice(0, -1)}\x1b[39m\n`,
    );
  });

  it('shows what a terminal would have acted on', () => {
    const reason = 'cannot connect to \x1b]0;owned\x07: no\r\nhost';
    expect(lines({ event: 'reconnecting', time, afterMs: 1000, reason })).toBe(
      '14:02:07.123  cannot connect to \\x1b]0;owned\\x07: no\\x0d\\x0ahost; connecting again in 1.00s\n',
    );
  });
});

describe('probeSummary', () => {
  it('of a peer that is alive', () => {
    expect(probeSummary(resultWith())).toMatchInlineSnapshot(`
      "--- 192.0.2.7:7777, mode heartbeat=1s:3s ---
      5 beats sent, 5 answered, round trip min/median/max 0.05/0.06/0.10 ms
      alive
      "
    `);
  });

  it('of a peer whose kernel alone was asked', () => {
    expect(
      probeSummary(resultWith({ protocol: null }))
        .split('\n')
        .slice(2),
    ).toEqual(['its kernel is alive; whether the process lives was not asked: see --protocol', '']);
  });

  it('of a peer that went over to another protocol', () => {
    const verdict: ProbeVerdict = {
      kind: 'closed',
      by: 'violation',
      afterMs: 3000,
      detail: 'answered in another protocol: looks like HTTP',
    };
    expect(probeSummary(resultWith({ verdict, lost: 1 }))).toContain(
      '\nanswered in another protocol: looks like HTTP after 3.00s\n',
    );
  });

  it('of one beat', () => {
    const beats = { sent: 1, answered: 1, rttMs: resultWith().beats.rttMs };
    expect(probeSummary(resultWith({ beats }))).toContain('\n1 beat sent, 1 answered, round trip ');
  });

  it('of a hung process', () => {
    const result = resultWith({
      beats: { ...resultWith().beats, sent: 7 },
      verdict: dead,
      lost: 1,
      kernel: silent,
      withoutMode: { idle: never, write: never },
    });
    expect(probeSummary(result)).toMatchInlineSnapshot(`
      "--- 192.0.2.7:7777, mode heartbeat=1s:3s ---
      7 beats sent, 5 answered, round trip min/median/max 0.05/0.06/0.10 ms
      dead: noticed by heartbeat after 3.00s of silence
      the kernel acknowledges, the process does not answer: hung process, or a relay
      last heard 2026-11-20T14:02:04.120Z, first unanswered beat 2026-11-20T14:02:05.119Z, noticed 2026-11-20T14:02:07.123Z
      without this mode the connection would have stayed for ever when idle, and with data in flight too (predicted)
      "
    `);
  });

  it('of a silent kernel', () => {
    const result = resultWith({ verdict: { ...dead, where: 'kernel' }, lost: 1 });
    expect(probeSummary(result)).toMatchInlineSnapshot(`
      "--- 192.0.2.7:7777, mode heartbeat=1s:3s ---
      5 beats sent, 5 answered, round trip min/median/max 0.05/0.06/0.10 ms
      dead: noticed by heartbeat after 3.00s of silence
      the peer's kernel is silent too: host, path or firewall state
      last heard 2026-11-20T14:02:04.120Z, first unanswered beat 2026-11-20T14:02:05.119Z, noticed 2026-11-20T14:02:07.123Z
      without this mode the connection would have stayed for ever when idle, 15m25s-48s with data in flight (predicted)
      "
    `);
  });

  it('of an idle connection in a mode without beats', () => {
    const verdict: ProbeVerdict = {
      ...dead,
      by: 'idle-timeout',
      where: 'unknown',
      firstUnansweredAt: null,
    };
    const beats = { sent: 0, answered: 0, rttMs: null };
    expect(probeSummary(resultWith({ mode: 'idle-timeout=3s', beats, verdict, lost: 1 })))
      .toMatchInlineSnapshot(`
      "--- 192.0.2.7:7777, mode idle-timeout=3s ---
      dead: noticed by idle-timeout after 3.00s of silence
      whether the kernel still acknowledges cannot be told here
      last heard 2026-11-20T14:02:04.120Z, noticed 2026-11-20T14:02:07.123Z
      without this mode the connection would have stayed for ever when idle, 15m25s-48s with data in flight (predicted)
      "
    `);
  });

  it('of a peer that closed', () => {
    const verdict: ProbeVerdict = {
      kind: 'closed',
      by: 'ECONNRESET',
      afterMs: 65_400,
      detail: null,
    };
    expect(probeSummary(resultWith({ verdict, lost: 1 }))).toMatchInlineSnapshot(`
      "--- 192.0.2.7:7777, mode heartbeat=1s:3s ---
      5 beats sent, 5 answered, round trip min/median/max 0.05/0.06/0.10 ms
      closed by the peer (ECONNRESET) after 1m5s
      "
    `);
  });

  it('of a peer that never answered leaves the verdict to the error', () => {
    const verdict: ProbeVerdict = {
      kind: 'no-answer',
      by: 'heartbeat',
      afterMs: 3004,
      detail: null,
    };
    expect(probeSummary(resultWith({ beats: silence, verdict, lost: 1 }))).toMatchInlineSnapshot(`
      "--- 192.0.2.7:7777, mode heartbeat=1s:3s ---
      2 beats sent, 0 answered
      "
    `);
  });

  it('of a connection without beats says what cannot be told', () => {
    const beats = { sent: 0, answered: 0, rttMs: null };
    const result = resultWith({ mode: 'keepalive=60s:10s:6', beats });
    expect(probeSummary(result)).toMatchInlineSnapshot(`
      "--- 192.0.2.7:7777, mode keepalive=60s:10s:6 ---
      still open, last segment 0.01s ago; whether the process lives only a heartbeat can tell
      "
    `);
    expect(probeSummary({ ...result, kernel: null })).toContain(
      '\nstill open; whether the process lives only a heartbeat can tell\n',
    );
  });

  it('of several connections, interrupted', () => {
    const result = resultWith({ complete: false, connections: 3, lost: 2 });
    expect(probeSummary(result)).toMatchInlineSnapshot(`
      "--- 192.0.2.7:7777, mode heartbeat=1s:3s, interrupted ---
      5 beats sent, 5 answered, round trip min/median/max 0.05/0.06/0.10 ms
      3 connections, 2 of them lost
      alive
      "
    `);
  });

  describe('of a connection that was cut', () => {
    const drop: ProbeDrop = {
      engine: 'socket-filter',
      at: '2026-11-20T14:02:04.120Z',
      swallowedSegments: 3,
      proven: true,
      predicted: interval(2000, 3000),
      noticedAfterMs: 2345.6,
      agrees: true,
    };

    it.each<[string, Partial<ProbeDrop>, string]>([
      [
        'and noticed',
        {},
        'this end cut by socket-filter, proven (3 segments swallowed): noticed 2.35s after the cut, predicted 2.00-3.00s',
      ],
      [
        'and noticed too late',
        { engine: 'min-ttl', swallowedSegments: 1, noticedAfterMs: 4000, agrees: false },
        'this end cut by min-ttl, proven (1 segment swallowed): noticed 4.00s after the cut, predicted 2.00-3.00s, which DISAGREES',
      ],
      [
        'and not noticed, as predicted',
        { swallowedSegments: 0, predicted: never, noticedAfterMs: null },
        'this end cut by socket-filter, proven (by a second connection, cut the same way): not noticed, predicted never',
      ],
      [
        'without proof',
        { swallowedSegments: 0, proven: false, noticedAfterMs: null, agrees: null },
        'this end cut by socket-filter, not proven: not noticed, predicted 2.00-3.00s',
      ],
    ])('%s', (_, changes, words) => {
      const result = resultWith({ drop: { ...drop, ...changes } });
      expect(probeSummary(result).split('\n')).toContain(words);
    });

    it('does not call it alive', () => {
      expect(probeSummary(resultWith({ drop: { ...drop, noticedAfterMs: null } }))).not.toMatch(
        /alive|still open/,
      );
    });

    it('that was dead before is not said to have been cut', () => {
      const notes = ['the connection was not cut: it ended before that'];
      const verdict: ProbeVerdict = { kind: 'closed', by: 'FIN', afterMs: 300, detail: null };
      expect(probeSummary(resultWith({ verdict, lost: 1, notes }))).toMatchInlineSnapshot(`
        "--- 192.0.2.7:7777, mode heartbeat=1s:3s ---
        5 beats sent, 5 answered, round trip min/median/max 0.05/0.06/0.10 ms
        closed by the peer (FIN) after 0.30s
        Note: the connection was not cut: it ended before that
        "
      `);
    });
  });

  it('shows what a terminal would have acted on', () => {
    const text = probeSummary(
      resultWith({ target: 'exa\x1b[2Jmple:1', notes: ['one\ntwo\u202e', 'three\x9b'] }),
    );
    expect(text).toContain('--- exa\\x1b[2Jmple:1, mode heartbeat=1s:3s ---\n');
    expect(text).toContain('\nNote: one\\x0atwo\\u202e\nNote: three\\x9b\n');
  });
});

describe('noAnswerWords', () => {
  it.each([
    [null, 'not one beat was answered in 3.00s'],
    ['heartbeat', 'not one beat was answered in 3.00s'],
    ['idle-timeout', 'not one beat was answered in 3.00s'],
    ['FIN', 'closed by the peer (FIN) after 3.00s, before one beat was answered'],
    ['ECONNRESET', 'closed by the peer (ECONNRESET) after 3.00s, before one beat was answered'],
    ['violation', 'it said no after 3.00s, before one beat was answered'],
  ])('ended by %s', (by, words) => {
    const detail = by === 'violation' ? 'it said no' : null;
    expect(noAnswerWords({ kind: 'no-answer', by, afterMs: 3000, detail })).toBe(words);
  });
});
