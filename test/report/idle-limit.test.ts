import { describe, expect, it } from 'vitest';
import { longest } from '../../src/core/idle-limit-plan.js';
import type {
  IdleLimitEvent,
  IdleLimitResult,
  IdleLimitVerdict,
  KeepaliveTrial,
} from '../../src/core/idle-limit-result.js';
import {
  idleLimitAnnouncement,
  idleLimitFailure,
  idleLimitLine,
  idleLimitSummary,
} from '../../src/report/idle-limit.js';
import { resultOf } from './comparison-fixture.js';

const settings = { idleSeconds: 10, intervalSeconds: 5, count: 3 };

const found: IdleLimitVerdict = { kind: 'found', livedMs: 19_230, lostMs: 20_310, how: 'silent' };

const survived: KeepaliveTrial = {
  kind: 'survived',
  settings,
  silenceMs: 23_900,
  answeredProbes: 2,
  outcome: { kind: 'lived' },
};

/** A path that forgets after 20 s, until told otherwise. */
function resultWith(changes: Partial<IdleLimitResult> = {}): IdleLimitResult {
  const { host, capabilities } = resultOf();
  return {
    schema: 'tcpalive/idle-limit/1',
    complete: true,
    startedAt: '2026-11-20T14:02:02.000Z',
    durationMs: 59_123,
    host,
    capabilities,
    target: '203.0.113.2:7777',
    measured: '203.0.113.2:7777',
    addresses: ['203.0.113.2'],
    tls: null,
    protocol: null,
    waitMs: 1_200_000,
    connections: 29,
    verdict: found,
    keepalive: survived,
    safeKeepalive: {
      kind: 'settings',
      idleSeconds: 16,
      intervalSeconds: 1,
      count: 6,
      firstProbeMs: 16_256,
      secondProbeMs: 17_288,
    },
    trials: [],
    notes: [],
    ...changes,
  };
}

/** Without its first line, and without a word on keepalive. */
function verdictOf(verdict: IdleLimitVerdict): string {
  const text = idleLimitSummary(
    resultWith({
      verdict,
      keepalive: { kind: 'not-tested' },
      safeKeepalive: { kind: 'unknown' },
    }),
  );
  return text.slice(text.indexOf('\n') + 1);
}

describe('what it takes', () => {
  it('is said beforehand', () => {
    expect(
      idleLimitAnnouncement('192.0.2.7:443', 16, longest({ waitMs: 1_200_000, most: 14 })),
    ).toMatchInlineSnapshot(
      `"up to 16 connections to 192.0.2.7:443 at a time, all silent; takes two to four times the limit, at most 40m10s"`,
    );
    expect(
      idleLimitAnnouncement('192.0.2.7:443', 4, longest({ waitMs: 1_200_000, most: 2 })),
    ).toMatchInlineSnapshot(
      `"up to 4 connections to 192.0.2.7:443 at a time, all silent; takes at most 2h40m40s"`,
    );
  });
});

describe('idleLimitLine', () => {
  it('is a line an event', () => {
    const events: readonly IdleLimitEvent[] = [
      { event: 'opened', measured: '192.0.2.7:443', addresses: ['192.0.2.7'] },
      { event: 'opened', measured: '192.0.2.7:443', addresses: ['2001:db8::7', '192.0.2.7'] },
      { event: 'round', round: 1, silencesMs: [1000, 2000, 1_200_000] },
      { event: 'trial', silenceMs: 16_020, outcome: { kind: 'lived' } },
      { event: 'waiting', livedMs: 16_020, lostMs: null, open: 7, leftMs: 1_183_400 },
      { event: 'trial', silenceMs: 32_040, outcome: { kind: 'lost', how: 'silent' } },
      { event: 'trial', silenceMs: 32_040, outcome: { kind: 'lost', how: 'reset' } },
      { event: 'trial', silenceMs: 32_040, outcome: { kind: 'closed', by: 'FIN' } },
      { event: 'trial', silenceMs: 32_040, outcome: { kind: 'spoken' } },
      { event: 'keepalive', settings },
      { event: 'round', round: 2, silencesMs: [18_000] },
      { event: 'waiting', livedMs: 16_020, lostMs: 32_040, open: 15, leftMs: 3200 },
      { event: 'waiting', livedMs: 0, lostMs: null, open: 15, leftMs: 700 },
      { event: 'waiting', livedMs: 8010, lostMs: null, open: 15, leftMs: 0 },
    ];
    expect(events.map(idleLimitLine).join('\n')).toMatchInlineSnapshot(`
      "measured is the path to whoever terminates TCP at 192.0.2.7:443
      measured is the path to whoever terminates TCP at 192.0.2.7:443 (one of 2001:db8::7, 192.0.2.7)
      round 1: 3 connections, silent for 1s to 20m
      silent for 16.02s: lived
      16.02s lived, 7 open, at most 19m44s more in this round
      silent for 32.04s: lost, no answer
      silent for 32.04s: lost, answered by RST
      silent for 32.04s: closed (FIN)
      silent for 32.04s: the other end spoke
      one more with keepalive=10s:5s:3
      round 2: 1 connection, silent for 18s
      16.02s lived, 32.04s did not, 15 open, at most 4s more in this round
      15 open, at most 1s more in this round
      8.01s lived, 15 open, asking again"
    `);
  });
});

describe('idleLimitSummary', () => {
  it('brackets the limit, and says what keeps the path open', () => {
    expect(idleLimitSummary(resultWith())).toMatchInlineSnapshot(`
      "--- 203.0.113.2:7777, silences of up to 20m, 29 connections ---
      idle limit: a silence of 19.23s lives, one of 20.31s does not
      it is forgotten silently: no answer comes, and neither end is told
      keepalive=10s:5s:3 keeps it alive: asked after 23.90s, 2 of its probes answered
      largest safe keepalive: keepalive=16s:1s:6
      (its timer may be late: first probe after 16.26s at most, the next one, should that be lost, after 17.29s: within 19.23s)
      "
    `);
  });

  it('says that keepalive does not help', () => {
    const lost = { ...survived, kind: 'lost', silenceMs: 21_310, answeredProbes: 0 } as const;
    expect(
      idleLimitSummary(
        resultWith({
          verdict: { ...found, how: 'reset' },
          keepalive: { ...lost, outcome: { kind: 'lost', how: 'reset' } },
        }),
      ),
    ).toMatchInlineSnapshot(`
      "--- 203.0.113.2:7777, silences of up to 20m, 29 connections ---
      idle limit: a silence of 19.23s lives, one of 20.31s does not
      it is forgotten silently, and whoever then sends something is answered by RST
      keepalive=10s:5s:3 does NOT keep it alive: lost, answered by RST after 21.31s, none of its probes answered
      "
    `);
    expect(
      idleLimitSummary(
        resultWith({
          verdict: { kind: 'closed', livedMs: 32_020, afterMs: 60_000, by: 'FIN' },
          keepalive: { ...lost, outcome: { kind: 'closed', by: 'FIN' } },
        }),
      ),
    ).toMatchInlineSnapshot(`
      "--- 203.0.113.2:7777, silences of up to 20m, 29 connections ---
      idle limit: closed (FIN) after 1m0s of silence; a silence of 32.02s lives
      that may be the server's own idle timeout as well as something in between: who said it cannot be told
      keepalive=10s:5s:3 does NOT keep it alive: closed (FIN) after 21.31s, none of its probes answered
      no program hears a keepalive probe: whoever closes it there counts bytes
      "
    `);
  });

  it('says what is not known', () => {
    expect(verdictOf({ kind: 'none', livedMs: 1_200_010 })).toMatchInlineSnapshot(`
      "no idle limit found: a silence of 20m0s lives, and longer ones were not tried (--wait)
      "
    `);
    expect(verdictOf({ kind: 'spoken', livedMs: 8010, everyMs: 10_020 })).toMatchInlineSnapshot(`
      "no idle limit found: a silence of 8.01s lives
      longer silences cannot be had: after 10.02s the other end says something by itself, if only by its own keepalive
      "
    `);
    expect(verdictOf({ kind: 'spoken', livedMs: 0, everyMs: 700 })).toMatchInlineSnapshot(`
      "no idle limit found: nothing was silent for long enough
      longer silences cannot be had: after 0.70s the other end says something by itself, if only by its own keepalive
      "
    `);
    expect(verdictOf({ kind: 'unknown', livedMs: 8010 })).toMatchInlineSnapshot(`
      "a silence of 8.01s lives, of longer ones nothing is known
      "
    `);
    expect(verdictOf({ kind: 'unknown', livedMs: 0 })).toMatchInlineSnapshot(`
      "nothing is known yet
      "
    `);
    expect(verdictOf({ kind: 'found', livedMs: 0, lostMs: 1010, how: 'reset' }))
      .toMatchInlineSnapshot(`
      "idle limit: under 1.01s
      it is forgotten silently, and whoever then sends something is answered by RST
      "
    `);
  });

  it('says that it was interrupted, and that a path is too quick for any keepalive', () => {
    expect(
      idleLimitSummary(
        resultWith({
          complete: false,
          target: 'example.org:443',
          measured: '192.0.2.7:443',
          verdict: { kind: 'found', livedMs: 1020, lostMs: 2040, how: 'silent' },
          keepalive: { kind: 'not-tested' },
          safeKeepalive: { kind: 'none' },
          notes: ['2 of 14 connections not opened: \x1b[31mno'],
        }),
      ),
    ).toMatchInlineSnapshot(`
      "--- example.org:443 (at 192.0.2.7:443), silences of up to 20m, 29 connections, interrupted ---
      idle limit: a silence of 1.02s lives, one of 2.04s does not
      it is forgotten silently: no answer comes, and neither end is told
      safe keepalive: none, whole seconds are too long for it
      Note: 2 of 14 connections not opened: \\x1b[31mno
      "
    `);
  });
});

describe('idleLimitFailure', () => {
  it('is undefined where anything is known', () => {
    const known: readonly IdleLimitVerdict[] = [
      found,
      { kind: 'found', livedMs: 0, lostMs: 1010, how: 'reset' },
      { kind: 'none', livedMs: 4000 },
      { kind: 'spoken', livedMs: 8000, everyMs: 10_000 },
      { kind: 'closed', livedMs: 1000, afterMs: 1500, by: 'FIN' },
    ];
    for (const verdict of known) expect(idleLimitFailure(resultWith({ verdict }))).toBeUndefined();
  });

  it('says why nothing is', () => {
    const nothing: readonly IdleLimitVerdict[] = [
      { kind: 'no-answer', livedMs: 0, lostMs: 1020 },
      { kind: 'spoken', livedMs: 0, everyMs: 510 },
      { kind: 'closed', livedMs: 0, afterMs: 20, by: 'ECONNRESET' },
      { kind: 'unknown', livedMs: 1000 },
    ];
    const notes = ['1 of 1 connections not opened: refused'];
    expect(nothing.map((verdict) => idleLimitFailure(resultWith({ verdict, notes }))).join('\n'))
      .toMatchInlineSnapshot(`
        "not even a silence of 1.02s was answered
        it is never silent: after 0.51s the other end spoke
        closed (ECONNRESET) after 0.02s, before any silence was answered
        no limit could be found; 1 of 1 connections not opened: refused"
      `);
  });
});
