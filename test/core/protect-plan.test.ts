import { describe, expect, it } from 'vitest';
import {
  countSkipped,
  groupsOf,
  isAsWanted,
  isForNow,
  planNotes,
  reasonToSkip,
  type Candidate,
  type Terms,
} from '../../src/core/protect-plan.js';
import type { SocketKeepalive } from '../../src/core/socket.js';
import { sysctlDefaults } from '../../src/core/sysctl.js';

const KEEPALIVE = { idleSeconds: 60, intervalSeconds: 10, count: 6 };
const WANTED = { keepalive: KEEPALIVE, userTimeoutMs: 120_000 };
const TIMEOUT_ALONE = { keepalive: null, userTimeoutMs: 120_000 };
const TERMS: Terms = { wanted: WANTED, direction: 'both', force: false };

const OFF: SocketKeepalive = { kind: 'off' };
const SET: SocketKeepalive = { kind: 'known', ...KEEPALIVE };

interface Changes {
  readonly state?: string;
  readonly timer?: Candidate['socket']['timer']['kind'];
  readonly keepalive?: SocketKeepalive;
  readonly userTimeoutMs?: number;
  readonly probes?: number;
  readonly accepted?: boolean;
  readonly namespace?: string;
}

function candidate(changes: Changes = {}): Candidate {
  const { state = 'ESTABLISHED', timer = 'none', keepalive = OFF, userTimeoutMs = 0 } = changes;
  return {
    socket: {
      state,
      timer: { kind: timer, expiresInMs: timer === 'none' ? null : 1000 },
      info: {
        probes: changes.probes ?? 0,
        backoff: 0,
        rtoMs: 204,
        rttMs: 0.02,
        silentMs: 9000,
        windowBytes: 0,
      },
    },
    options: { keepalive, userTimeoutMs },
    accepted: changes.accepted ?? true,
    namespace: changes.namespace ?? 'net:[1]',
    keeper: { sysctls: sysctlDefaults, orphanRetries: 0, synackRetries: 5, hz: 250 },
  };
}

describe('reasonToSkip', () => {
  it.each(['SYN-SENT', 'ESTABLISHED', 'CLOSE-WAIT', 'FIN-WAIT-1', 'FIN-WAIT-2', 'LISTEN'])(
    'takes %s',
    (state) => {
      expect(reasonToSkip(candidate({ state }), TERMS)).toBeUndefined();
    },
  );

  it.each(['SYN-RECV', 'TIME-WAIT', 'LAST-ACK', 'CLOSING'])('leaves %s to the kernel', (state) => {
    expect(reasonToSkip(candidate({ state }), TERMS)).toBe('closing');
  });

  it('leaves out what the program opened itself, where that is wanted; listeners never', () => {
    const terms = { ...TERMS, direction: 'accepted' as const };
    const opened = { accepted: false };
    expect(reasonToSkip(candidate(opened), terms)).toBe('opened');
    expect(reasonToSkip(candidate(opened), TERMS)).toBeUndefined();
    expect(reasonToSkip(candidate(), terms)).toBeUndefined();
    expect(reasonToSkip(candidate({ ...opened, state: 'LISTEN' }), terms)).toBeUndefined();
  });

  it.each([
    [0, 120_000, 'slow-reader'],
    [120_001, 120_000, 'slow-reader'],
    [120_000, 120_000, undefined],
    [60_000, 120_000, undefined],
    [0, null, undefined],
  ] as const)('a slow reader with user timeout %d, wanted %s: %s', (fromMs, toMs, reason) => {
    const blocked = candidate({ timer: 'zero-window', userTimeoutMs: fromMs });
    const terms = { ...TERMS, wanted: { ...WANTED, userTimeoutMs: toMs } };
    expect(reasonToSkip(blocked, terms)).toBe(reason);
    expect(reasonToSkip(blocked, { ...terms, force: true })).toBeUndefined();
  });
});

it.each([
  ['slow-reader', true],
  ['probes-unanswered', true],
  ['opened', false],
  ['closing', false],
  ['gone', false],
  ['refused', false],
  [undefined, false],
] as const)('%s is left out only for now: %s', (reason, expected) => {
  expect(isForNow(reason)).toBe(expected);
});

describe('probes that an ask has left unanswered', () => {
  it.each([
    [0, null, undefined],
    [5, null, undefined],
    [6, null, 'probes-unanswered'],
    [1, 120_000, 'probes-unanswered'],
    [0, 120_000, undefined],
  ] as const)('%i of them, user timeout %s: %s', (probes, userTimeoutMs, reason) => {
    const asked = candidate({ probes });
    const terms = { ...TERMS, wanted: { ...WANTED, userTimeoutMs } };
    expect(reasonToSkip(asked, terms)).toBe(reason);
    expect(reasonToSkip(asked, { ...terms, force: true })).toBeUndefined();
  });

  it('stay without a timer where a user timeout alone is wanted', () => {
    const terms = { ...TERMS, wanted: TIMEOUT_ALONE };
    expect(reasonToSkip(candidate({ probes: 6 }), terms)).toBeUndefined();
  });

  it.each([
    ['of as many as it has, and no user timeout', 6, 0, KEEPALIVE, null, undefined],
    ['of fewer than it has', 5, 0, { ...KEEPALIVE, count: 5 }, null, 'probes-unanswered'],
    ['of fewer, but not for these', 4, 0, { ...KEEPALIVE, count: 5 }, null, undefined],
    ['of a first user timeout', 1, 0, KEEPALIVE, 120_000, 'probes-unanswered'],
    ['of a user timeout alone', 1, 0, null, 120_000, 'probes-unanswered'],
    ['of a shorter one', 1, 180_000, KEEPALIVE, 120_000, 'probes-unanswered'],
    ['of a longer one', 1, 60_000, null, 120_000, undefined],
    ['of its own', 1, 60_000, KEEPALIVE, null, undefined],
    ['of any, where none is out', 0, 0, KEEPALIVE, 120_000, undefined],
  ] as const)(
    'are for its own keepalive, where that is on, and not the end %s',
    (_, probes, now, keepalive, userTimeoutMs, reason) => {
      const probing = candidate({
        probes,
        timer: 'keepalive',
        keepalive: SET,
        userTimeoutMs: now,
      });
      const terms = { ...TERMS, wanted: { keepalive, userTimeoutMs } };
      expect(reasonToSkip(probing, terms)).toBe(reason);
    },
  );
});

describe('isAsWanted', () => {
  it.each([
    [SET, 120_000, true],
    [OFF, 120_000, false],
    [SET, 0, false],
    [{ ...SET, count: 5 }, 120_000, false],
    [{ kind: 'unknown', reason: 'not ours' }, 120_000, false],
  ] as const)('%j with user timeout %d: %s', (keepalive, userTimeoutMs, is) => {
    expect(isAsWanted({ keepalive, userTimeoutMs }, WANTED)).toBe(is);
  });

  it('asks for no user timeout where none is wanted', () => {
    const wanted = { keepalive: KEEPALIVE, userTimeoutMs: null };
    for (const userTimeoutMs of [0, 5000]) {
      expect(isAsWanted({ keepalive: SET, userTimeoutMs }, wanted)).toBe(true);
    }
  });
});

describe('a user timeout alone', () => {
  it.each([
    [OFF, 120_000, true],
    [SET, 120_000, true],
    [OFF, 0, false],
    [SET, 119_000, false],
  ] as const)('%j with %d is as wanted: %s', (keepalive, userTimeoutMs, is) => {
    expect(isAsWanted({ keepalive, userTimeoutMs }, TIMEOUT_ALONE)).toBe(is);
  });

  it('leaves keepalive as it is, and is no help where there is none', () => {
    const groups = groupsOf([candidate(), candidate({ keepalive: SET })], TIMEOUT_ALONE);
    expect(groups.map(({ after }) => [after.keepalive, after.idle.kind])).toEqual([
      [OFF, 'never'],
      [SET, 'within'],
    ]);
    const note =
      'a user timeout alone never notices a peer that vanished when idle: --keepalive does';
    expect(planNotes(groups, TIMEOUT_ALONE)).toContain(note);
    const kept = groupsOf([candidate({ keepalive: SET })], TIMEOUT_ALONE);
    expect(planNotes(kept, TIMEOUT_ALONE)).not.toContain(note);
  });
});

describe('groupsOf', () => {
  it('puts the same setting together: listeners first, changes first, the many first', () => {
    const other = { kind: 'known', idleSeconds: 5, intervalSeconds: 5, count: 2 } as const;
    const groups = groupsOf(
      [
        candidate({ keepalive: SET, userTimeoutMs: 120_000 }),
        candidate({ keepalive: SET, userTimeoutMs: 120_000 }),
        candidate({ keepalive: SET, userTimeoutMs: 120_000 }),
        candidate({ keepalive: other }),
        candidate(),
        candidate({ state: 'CLOSE-WAIT' }),
        candidate({ state: 'LISTEN' }),
        candidate({ namespace: 'net:[2]' }),
      ],
      WANTED,
    );
    expect(
      groups.map(({ role, sockets, changes, now, namespace }) => [
        role,
        sockets,
        changes,
        now.keepalive.kind,
        namespace,
      ]),
    ).toEqual([
      ['listener', 1, true, 'off', 'net:[1]'],
      ['connection', 2, true, 'off', 'net:[1]'],
      ['connection', 1, true, 'known', 'net:[1]'],
      ['connection', 1, true, 'off', 'net:[2]'],
      ['connection', 3, false, 'known', 'net:[1]'],
    ]);
  });

  it('says when a vanished peer is noticed, idle and busy, before and after', () => {
    const [group] = groupsOf([candidate()], WANTED);
    expect(group?.now).toMatchObject({ idle: { kind: 'never' }, busy: { kind: 'within' } });
    expect(group?.after).toMatchObject({
      keepalive: SET,
      userTimeoutMs: 120_000,
      idle: { kind: 'within', ms: { min: 60_000 } },
      busy: { kind: 'within', ms: { min: 120_404 } },
    });
  });

  it('keeps the user timeout that a socket has where none is wanted', () => {
    const wanted = { keepalive: KEEPALIVE, userTimeoutMs: null };
    const [group] = groupsOf([candidate({ userTimeoutMs: 5000 })], wanted);
    expect(group?.after.userTimeoutMs).toBe(5000);
  });
});

describe('countSkipped', () => {
  it('counts each reason', () => {
    expect(countSkipped(['gone', 'opened', 'gone'])).toEqual([
      { reason: 'gone', sockets: 2 },
      { reason: 'opened', sockets: 1 },
    ]);
  });
});

describe('planNotes', () => {
  const noTimeout = { keepalive: KEEPALIVE, userTimeoutMs: null };
  const sooner = { kind: 'known', idleSeconds: 5, intervalSeconds: 5, count: 2 } as const;

  it('has nothing to say where it only gets better', () => {
    expect(planNotes(groupsOf([candidate()], noTimeout), noTimeout)).toEqual([]);
  });

  it('says how many notice an idle peer sooner as they are', () => {
    const groups = groupsOf([candidate({ keepalive: sooner }), candidate()], noTimeout);
    expect(planNotes(groups, noTimeout)).toEqual([
      '1 of these notice an idle peer sooner as they are now',
    ]);
  });

  it('says whom a user timeout ends besides', () => {
    expect(planNotes(groupsOf([candidate()], WANTED), WANTED)).toEqual([
      'a user timeout also ends a peer that is alive and takes nothing for so long',
    ]);
  });
});
