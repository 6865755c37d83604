import { describe, expect, it } from 'vitest';
import { groupsOf, type Candidate } from '../../src/core/protect-plan.js';
import type { ProtectEvent, ProtectResult } from '../../src/core/protection.js';
import { sysctlDefaults } from '../../src/core/sysctl.js';
import {
  protectDryRun,
  protectEventLine,
  protectOutcome,
  protectPlan,
  restoreWords,
} from '../../src/report/protect.js';
import { plainStyle } from './comparison-fixture.js';

const wanted = {
  keepalive: { idleSeconds: 60, intervalSeconds: 10, count: 6 },
  userTimeoutMs: 120_000,
};

function sockets(count: number, state: string, options: Candidate['options']): Candidate[] {
  return Array.from({ length: count }, () => ({
    socket: { state, timer: { kind: 'none', expiresInMs: null }, info: null },
    options,
    accepted: true,
    namespace: 'net:[1]',
    keeper: { sysctls: sysctlDefaults, orphanRetries: 0, synackRetries: 5, hz: 250 },
  }));
}

const off: Candidate['options'] = { keepalive: { kind: 'off' }, userTimeoutMs: 0 };
const asWanted: Candidate['options'] = {
  keepalive: { kind: 'known', ...wanted.keepalive },
  userTimeoutMs: wanted.userTimeoutMs,
};
const system: Candidate['options'] = {
  keepalive: { kind: 'known', idleSeconds: 7200, intervalSeconds: 75, count: 9 },
  userTimeoutMs: 0,
};

function resultOf(changes: Partial<ProtectResult> = {}): ProtectResult {
  return {
    schema: 'tcpalive/protect/1',
    complete: true,
    dryRun: true,
    startedAt: '2026-11-20T14:02:07.123Z',
    host: { kernel: '6.18.44', hz: 250 },
    wanted,
    targets: [
      { pid: 4242, name: 'redis-server', unit: 'redis.service', listeners: 2, connections: 45 },
    ],
    groups: groupsOf(
      [
        ...sockets(2, 'LISTEN', off),
        ...sockets(37, 'ESTABLISHED', off),
        ...sockets(3, 'ESTABLISHED', system),
        ...sockets(1, 'ESTABLISHED', asWanted),
      ],
      wanted,
    ),
    changed: 0,
    skipped: [],
    followed: null,
    undoFile: null,
    notes: [],
    ...changes,
  };
}

describe('protectPlan', () => {
  it('shows each setting now and after, and what is left out', () => {
    const result = resultOf({
      skipped: [
        { reason: 'slow-reader', sockets: 2 },
        { reason: 'closing', sockets: 1 },
      ],
      notes: ['a user timeout also ends a peer that is alive and takes nothing for so long'],
    });
    const text = protectPlan(result, plainStyle);
    expect(text).toMatchInlineSnapshot(`
      "4242 redis-server (redis.service): 2 listeners, 45 connections

      SOCKETS  WHAT                SETTING                              IDLE       BUSY
            2  listeners    now    none                                 never      15m28s-49s
                            after  keepalive=60s:10s:6+user-timeout=2m  1m0s-2m4s  2m0s-2m6s
           37  connections  now    none                                 never      15m28s-49s
                            after  keepalive=60s:10s:6+user-timeout=2m  1m0s-2m4s  2m0s-2m6s
            3  connections  now    keepalive=7200s:75s:9                11m-2h14m  15m28s-49s
                            after  keepalive=60s:10s:6+user-timeout=2m  1m0s-2m4s  2m0s-2m6s
            1  connections  now    keepalive=60s:10s:6+user-timeout=2m  1m0s-2m4s  2m0s-2m6s
                            after  the same
      Noticed that long after the peer vanished, at any phase: idle, and with something unanswered.
      What a listener has, the connections that it accepts from then on inherit.
      Left out: 2 whose peer takes nothing: the user timeout would end them (--force takes them too)
      Left out: 1 closing: the kernel finishes them
      Note: a user timeout also ends a peer that is alive and takes nothing for so long
      "
    `);
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it('shows names from outside harmlessly, and not a hundred of them', () => {
    const targets = Array.from({ length: 20 }, (_, at) => ({
      pid: 100 + at,
      name: 'a\x1b[2J\nb',
      unit: null,
      listeners: 0,
      connections: 1,
    }));
    const [first, second] = protectPlan(resultOf({ targets, groups: [] }), plainStyle).split('\n');
    expect(`${first}\n${second}`).toMatchInlineSnapshot(`
      "100 a\\x1b[2J\\x0ab, 101 a\\x1b[2J\\x0ab, 102 a\\x1b[2J\\x0ab, 103 a\\x1b[2J\\x0ab, 104 a\\x1b[2J\\x0ab,
      105 a\\x1b[2J\\x0ab, 106 a\\x1b[2J\\x0ab, 107 a\\x1b[2J\\x0ab, 12 more: 0 listeners, 20 connections"
    `);
  });
});

describe('protectDryRun', () => {
  it('ends with the command that does it', () => {
    expect(protectDryRun(resultOf(), 'tcpalive protect 4242 --yes')).toMatchInlineSnapshot(`
      "Dry run: 2 listeners and 40 connections would change, and nothing has. To do it:
        tcpalive protect 4242 --yes
      "
    `);
  });

  it('has none where nothing would change', () => {
    const groups = groupsOf(sockets(3, 'ESTABLISHED', asWanted), wanted);
    expect([
      protectDryRun(resultOf({ groups }), 'x'),
      protectDryRun(resultOf({ groups: [] }), 'x'),
    ]).toEqual([
      'Nothing to do: each has this setting already.\n',
      'Nothing to do: everything is left out.\n',
    ]);
  });
});

describe('protectOutcome', () => {
  const done = { dryRun: false, undoFile: '/state/undo.jsonl' };

  it('says what came of it, and how to undo it', () => {
    const skipped = [
      { reason: 'slow-reader', sockets: 2 },
      { reason: 'gone', sockets: 3 },
      { reason: 'refused', sockets: 1 },
    ] as const;
    expect(protectOutcome(resultOf({ ...done, changed: 38, skipped }))).toMatchInlineSnapshot(`
      "Set on 38 of 42 sockets; 3 gone meanwhile; 1 refused by the kernel.
      To bring the old values back:
        tcpalive protect --restore /state/undo.jsonl
      "
    `);
  });

  it('says how far it got, and what it did while following', () => {
    const followed = { changed: 7, overridden: 5 };
    expect([
      protectOutcome(resultOf({ ...done, changed: 4, complete: false })).split('\n')[0],
      protectOutcome(resultOf({ ...done, changed: 49, followed })).split('\n')[0],
      protectOutcome(resultOf({ dryRun: false, groups: [] })).split('\n')[0],
    ]).toMatchInlineSnapshot(`
      [
        "Interrupted: set on 4 of 42 sockets.",
        "Set on 42 of 42 sockets; 7 more while following, 5 of them set otherwise by the program.",
        "Nothing to do: everything is left out.",
      ]
    `);
  });
});

describe('protectEventLine', () => {
  it.each<[ProtectEvent, string]>([
    [{ kind: 'recorded', undoFile: '/a\x1bb' }, 'old values: /a\\x1bb'],
    [{ kind: 'progress', done: 3, total: 9, leftMs: 41_200 }, '3 of 9 connections, 41.2s left'],
    [{ kind: 'progress', done: 1, total: 1, leftMs: 0 }, '1 of 1 connection'],
    [{ kind: 'following' }, 'following: new sockets are covered within a second, until Ctrl-C'],
    [{ kind: 'covered', sockets: 1 }, 'covered 1 new socket'],
    [
      { kind: 'overridden', port: 6379, ...system, userTimeoutMs: 5000 },
      'the program sets keepalive=7200s:75s:9+user-timeout=5s on what it accepts on port 6379: each is set again, once',
    ],
    [
      { kind: 'overridden', port: 6379, ...off },
      'the program sets none on what it accepts on port 6379: each is set again, once',
    ],
    [{ kind: 'targets-gone' }, 'every process that was followed has ended'],
  ])('%j', (event, line) => {
    expect(protectEventLine(event)).toBe(line);
  });
});

describe('restoreWords', () => {
  it('counts', () => {
    const counts = { restored: 1, unchanged: 2, gone: 3, refused: 0 };
    const result = {
      schema: 'tcpalive/restore/1',
      undoFile: 'f',
      ...counts,
      notes: ['so'],
    } as const;
    expect(restoreWords(result)).toBe(
      '1 socket restored, 2 had the old values, 3 gone, 0 refused\nNote: so\n',
    );
  });
});
