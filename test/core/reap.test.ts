import { describe, expect, it } from 'vitest';
import {
  neverEnded,
  reapVerdict,
  type KeptReason,
  type ReapRules,
  type ReapVerdict,
} from '../../src/core/reap.js';
import type { Connection } from '../../src/core/survey.js';
import { armed, connectionOf, dying, never } from '../report/survey-fixture.js';

const AFTER_MS = 60_000;

const RULES: ReapRules = { afterMs: AFTER_MS, session: { peers: [], pids: new Set() } };

/** Retransmitting for just long enough. */
function dyingConnection(changes: Partial<Connection> = {}): Connection {
  return connectionOf({
    fate: dying,
    unansweredMs: AFTER_MS,
    timer: { kind: 'retransmit', expiresInMs: 12_300 },
    retransmissions: 7,
    ...changes,
  });
}

function verdictOn(
  connection: Connection,
  { rules = RULES, silentTwice = false }: { rules?: ReapRules; silentTwice?: boolean } = {},
): ReapVerdict {
  return reapVerdict(connection, rules, silentTwice);
}

function kept(reason: KeptReason): ReapVerdict {
  return { kind: 'kept', reason };
}

describe('what is dying', () => {
  it('is dead from --after on, and not a millisecond before, however long it was silent', () => {
    const dead = { kind: 'dead', evidence: '1m without answer, retransmissions: 7' };
    expect(verdictOn(dyingConnection({ unansweredMs: AFTER_MS - 1 }))).toEqual(
      kept('unanswered-too-briefly'),
    );
    expect(verdictOn(dyingConnection())).toEqual(dead);
    expect(verdictOn(dyingConnection({ unansweredMs: AFTER_MS + 1 }))).toEqual(dead);
  });

  it.each([
    ['retransmit', '1m without answer, retransmissions: 7'],
    ['keepalive', '1m without answer, probes: 7'],
    ['zero-window', '1m without answer, probes: 7'],
  ] as const)('by its %s timer says what is unanswered', (kind, evidence) => {
    expect(verdictOn(dyingConnection({ timer: { kind, expiresInMs: 1 } }))).toEqual({
      kind: 'dead',
      evidence,
    });
  });

  it('for how long nobody knows is left alone', () => {
    const sinceEver = { unansweredMs: null, silentMs: 365 * 86_400_000 };
    expect(verdictOn(dyingConnection(sinceEver))).toEqual(kept('unanswered-unknown'));
  });
});

describe('what has no timer', () => {
  it('is dead when silent under two asks, and only then', () => {
    expect(verdictOn(connectionOf(), { silentTwice: true })).toEqual({
      kind: 'dead',
      evidence: 'silent under two asks',
    });
    expect(verdictOn(connectionOf())).toEqual(kept('not-asked'));
    expect(verdictOn(connectionOf({ ask: { kind: 'answers' } }))).toEqual(kept('answered'));
    const unheard = { kind: 'no-way-out', reason: 'eth0 has no carrier' } as const;
    expect(verdictOn(connectionOf({ ask: unheard }))).toEqual(kept('no-way-out'));
  });

  it('is not judged by how long it has been silent', () => {
    const forAYear = connectionOf({ silentMs: 365 * 86_400_000 });
    expect(verdictOn(forAYear).kind).toBe('kept');
  });
});

it.each([
  ['armed', armed],
  ['leaked', { kind: 'leaked' }],
  ['slow', { kind: 'slow', ends: never }],
  ['closing', { kind: 'closing', ends: never }],
  ['unknown', { kind: 'unknown', reason: 'state UNKNOWN' }],
] as const)('%s is nobody who is proven dead, not even silent twice', (_, fate) => {
  expect(verdictOn(connectionOf({ fate }), { silentTwice: true })).toEqual(kept('not-dying'));
});

describe('is never touched, dead or not:', () => {
  const own = { address: '192.0.2.7', port: 40_001 };

  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['127.8.9.10', '127.0.0.1'],
    ['::1', '::1'],
    ['10.0.0.5', '127.0.0.1'],
    ['::ffff:127.0.0.1', '10.0.0.5'],
  ])('loopback, %s to %s', (local, peer) => {
    const connection = dyingConnection({
      local: { address: local, port: 443 },
      peer: { address: peer, port: 40_001 },
    });
    expect(verdictOn(connection)).toEqual(kept('loopback'));
    expect(neverEnded(connection, RULES.session)).toBe('loopback');
  });

  it('the peer of the own session, and its neighbour is', () => {
    const rules = { ...RULES, session: { peers: [own], pids: new Set<number>() } };
    expect(verdictOn(dyingConnection({ peer: own }), { rules })).toEqual(kept('own-session'));
    for (const peer of [
      { ...own, port: 40_002 },
      { ...own, address: '192.0.2.8' },
    ]) {
      expect(verdictOn(dyingConnection({ peer }), { rules }).kind).toBe('dead');
    }
  });

  it('what a process holds that leads to us', () => {
    const rules = { ...RULES, session: { peers: [], pids: new Set([640]) } };
    const heldBy = (pid: number) => dyingConnection({ process: { pid, name: 'sshd', fd: 4 } });
    expect(verdictOn(heldBy(640), { rules })).toEqual(kept('own-session'));
    expect(verdictOn(heldBy(641), { rules }).kind).toBe('dead');
  });

  it('what has no cookie', () => {
    expect(verdictOn(dyingConnection({ cookie: null }))).toEqual(kept('no-cookie'));
    expect(neverEnded(dyingConnection(), RULES.session)).toBeUndefined();
  });
});
