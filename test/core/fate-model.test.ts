import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fateOf, ifVanished, orLater, type Timekeeper } from '../../src/core/fate-model.js';
import { fateKinds, fateWords, type Fate, type Moment } from '../../src/core/fate.js';
import type { TimerName } from '../../src/core/result.js';
import {
  unreadOptions,
  type HostSocket,
  type SocketInfo,
  type SocketOptions,
} from '../../src/core/socket.js';
import { sysctlDefaults } from '../../src/core/sysctl.js';

const kernel: Timekeeper = { sysctls: sysctlDefaults, orphanRetries: 0, synackRetries: 5, hz: 250 };

const info: SocketInfo = {
  probes: 0,
  backoff: 0,
  rtoMs: 204,
  rttMs: 0.02,
  silentMs: 9000,
  windowBytes: 0,
};

const idle: HostSocket = {
  local: { address: '10.0.0.1', port: 443 },
  peer: { address: '10.0.0.2', port: 50_000 },
  state: 'ESTABLISHED',
  timer: { kind: 'none', expiresInMs: null },
  retransmissions: 0,
  sendQueueBytes: 0,
  receiveQueueBytes: 0,
  inode: 17,
  userId: 0,
  cookie: '1',
  interfaceIndex: 0,
  info,
};

const off: SocketOptions = { keepalive: { kind: 'off' }, userTimeoutMs: 0 };
const triple = { kind: 'known', idleSeconds: 60, intervalSeconds: 10, count: 6 } as const;
const protectedBy: SocketOptions = { keepalive: triple, userTimeoutMs: 0 };
const unread: SocketOptions = {
  keepalive: { kind: 'unknown', reason: 'another user' },
  userTimeoutMs: null,
};

function timed(
  kind: TimerName,
  expiresInMs: number,
  more: Partial<HostSocket> = {},
  told: Partial<SocketInfo> = {},
): HostSocket {
  return { ...idle, ...more, timer: { kind, expiresInMs }, info: { ...info, ...told } };
}

function within(min: number, max: number): Moment {
  return { kind: 'within', ms: { min, max } };
}

/** Of a lone segment on a LAN: tail-loss probe, first retransmission, and tcp_retries2 as a time. */
const QUARTER_HOUR = within(928_892, 948_196);

/** As ss showed it: timer:(on,5.116ms,5), rto:6528 backoff:5. */
const retransmitting = (more: Partial<HostSocket> = {}) =>
  timed('retransmit', 5116, { retransmissions: 5, ...more }, { backoff: 5, rtoMs: 6528 });

/**
 * Since the first retransmission 204 ms doubled once to five times, 12.648 s, up to 608 ms late; the
 * last pause ends after 928.488 s, all of them up to 19.296 s late.
 */
const RETRIED = within(5116 + 915_840 - 608, 5116 + 256 + 915_840 + 608 + 18_688);

/** The same until tcp_orphan_retries, 8: after 104.04 s. */
const ORPHANED = within(5116 + 91_392 - 608, 5116 + 256 + 91_392 + 608 + 4352);

/** As ss showed it: timer:(persist,3.960ms,4), rto:208 backoff:5. */
const blocked = (probes: number) =>
  timed(
    'zero-window',
    3960,
    { retransmissions: probes },
    { probes, backoff: 5, rtoMs: 208, rttMs: 5 },
  );

const probing = (more: Partial<HostSocket> = {}) =>
  timed('keepalive', 4000, { retransmissions: 2, ...more }, { probes: 2, silentMs: 76_000 });

const unknown = (reason: string) => ({ kind: 'unknown', reason }) as const;

describe('fateOf', () => {
  it.each<[string, HostSocket, SocketOptions, Fate]>([
    ['no timer', idle, off, { kind: 'forever', busy: QUARTER_HOUR }],
    [
      'no timer, but a user timeout',
      idle,
      { ...off, userTimeoutMs: 3000 },
      { kind: 'forever', busy: within(3404, 3512) },
    ],
    [
      'no timer, and a user timeout that could not be read',
      idle,
      { ...off, userTimeoutMs: null },
      {
        kind: 'forever',
        busy: { kind: 'assumed', ms: { min: 928_892, max: 948_196 }, assuming: 'no user timeout' },
      },
    ],
    [
      'no timer on a path of 300 ms: its pauses are its own',
      { ...idle, info: { ...info, rttMs: 300, rtoMs: 500 } },
      off,
      { kind: 'forever', busy: within(968_000, 987_328) },
    ],
    [
      'keepalive',
      timed('keepalive', 50_000),
      protectedBy,
      { kind: 'armed', idle: within(60_000, 123_840), busy: QUARTER_HOUR },
    ],
    [
      'keepalive that could not be read',
      timed('keepalive', 50_000),
      unread,
      {
        kind: 'armed',
        idle: unknown('another user'),
        busy: { kind: 'assumed', ms: { min: 928_892, max: 948_196 }, assuming: 'no user timeout' },
      },
    ],
    [
      'data on its way that has not been sent twice',
      timed('retransmit', 100),
      off,
      { kind: 'armed', idle: { kind: 'never' }, busy: QUARTER_HOUR },
    ],
    ['retransmitting', retransmitting(), off, { kind: 'dying', ends: RETRIED }],
    [
      'retransmitting, its user timeout not read',
      retransmitting(),
      unread,
      {
        kind: 'dying',
        ends: {
          kind: 'assumed',
          ms: { min: 920_348, max: 940_508 },
          assuming: 'no user timeout',
        },
      },
    ],
    [
      'retransmitting, the user timeout over at the timer that is running',
      retransmitting(),
      { ...off, userTimeoutMs: 10_000 },
      { kind: 'dying', ends: within(5116, 5116 + 256 + 608) },
    ],
    [
      'retransmitting at the longest pause, where seven doublings are not enough for a LAN',
      timed('retransmit', 60_000, {}, { backoff: 7, rtoMs: 120_000 }),
      off,
      // 937.5 ms doubled seven times, 6.944 s late; six more of 120 s.
      { kind: 'dying', ends: within(773_056, 801_280) },
    ],
    ['probing', probing(), protectedBy, { kind: 'dying', ends: within(44_000, 45_280) }],
    [
      'probing with a user timeout, which counts instead',
      probing(),
      { ...protectedBy, userTimeoutMs: 100_000 },
      { kind: 'dying', ends: within(24_000, 24_768) },
    ],
    ['probing, unread', probing(), unread, { kind: 'dying', ends: unknown('another user') }],
    [
      'probing no more',
      probing(),
      off,
      { kind: 'dying', ends: unknown('keepalive was just turned off') },
    ],
    [
      'a closed window, unanswered',
      blocked(4),
      off,
      { kind: 'dying', ends: within(1_043_640, 1_064_632) },
    ],
    ['a closed window, answered', blocked(0), off, { kind: 'slow', ends: { kind: 'never' } }],
    [
      'a closed window, answered, with a user timeout',
      blocked(0),
      { ...off, userTimeoutMs: 20_000 },
      // 8.936 s ago the first probe, up to 352 ms late and five answers of 5 ms more. Cut short, the last
      // timer is late by up to 256 ms, and by two ticks and an answer where less is left.
      {
        kind: 'slow',
        ends: within(20_000 - 8936 - 352 - 25, 20_000 - 8936 + 256 + 8 + 5),
      },
    ],
    [
      'a window that is about to be closed, with a user timeout',
      timed('zero-window', 160, {}, { rtoMs: 208, rttMs: 5, windowBytes: 15_360 }),
      { ...off, userTimeoutMs: 3000 },
      // What is sent in 160 ms and answered within 205 arms the first probe's timer, of 208 ms. Late, the
      // timers of 416, 832 and 1664 ms after it end behind the user timeout.
      { kind: 'slow', ends: within(160 + 208 + 3000, 164 + 205 + 212 + 2912 + 3 * (32 + 5)) },
    ],
    [
      'a closed window, answered, unread',
      blocked(0),
      unread,
      { kind: 'slow', ends: unknown('its user timeout could not be read') },
    ],
    ['CLOSE-WAIT', { ...idle, state: 'CLOSE-WAIT' }, off, { kind: 'leaked' }],
    [
      'CLOSE-WAIT with keepalive',
      timed('keepalive', 50_000, { state: 'CLOSE-WAIT' }),
      protectedBy,
      { kind: 'leaked' },
    ],
    [
      'CLOSE-WAIT with something unanswered',
      retransmitting({ state: 'CLOSE-WAIT' }),
      off,
      { kind: 'dying', ends: RETRIED },
    ],
    [
      'CLOSE-WAIT that nobody has accepted: no process holds it, and it was not closed',
      retransmitting({ state: 'CLOSE-WAIT', inode: 0 }),
      off,
      { kind: 'dying', ends: RETRIED },
    ],
    ['FIN-WAIT-2, held', { ...idle, state: 'FIN-WAIT-2' }, off, { kind: 'leaked' }],
    [
      'FIN-WAIT-2, held and probing',
      probing({ state: 'FIN-WAIT-2' }),
      protectedBy,
      { kind: 'dying', ends: within(44_000, 45_280) },
    ],
    [
      'FIN-WAIT-2, let go of',
      { ...timed('time-wait', 51_000, { state: 'FIN-WAIT-2', inode: 0 }), info: null },
      unread,
      { kind: 'closing', ends: within(51_000, 53_048) },
    ],
    [
      'FIN-WAIT-2, let go of, tcp_fin_timeout above a minute',
      timed('keepalive', 51_000, { state: 'FIN-WAIT-2', inode: 0 }),
      off,
      { kind: 'closing', ends: unknown('it waits for the peer') },
    ],
    [
      'TIME-WAIT',
      { ...timed('time-wait', 51_000, { state: 'TIME-WAIT', inode: 0 }), info: null },
      unread,
      { kind: 'closing', ends: within(51_000, 53_048) },
    ],
    [
      'FIN-WAIT-1, let go of',
      retransmitting({ state: 'FIN-WAIT-1', inode: 0 }),
      off,
      { kind: 'closing', ends: ORPHANED },
    ],
    [
      'FIN-WAIT-1, held',
      retransmitting({ state: 'FIN-WAIT-1' }),
      off,
      { kind: 'closing', ends: RETRIED },
    ],
    [
      'LAST-ACK, just sent',
      timed('retransmit', 204, { state: 'LAST-ACK', inode: 0 }),
      off,
      { kind: 'closing', ends: unknown('it waits for the peer') },
    ],
    [
      'CLOSING',
      retransmitting({ state: 'CLOSING', inode: 0 }),
      unread,
      {
        kind: 'closing',
        ends: { kind: 'assumed', ms: { min: 95_900, max: 101_724 }, assuming: 'no user timeout' },
      },
    ],
    [
      'SYN-SENT',
      { ...timed('retransmit', 3012, { state: 'SYN-SENT', retransmissions: 6 }), info: null },
      off,
      { kind: 'dying', ends: within(123_012, 127_876) },
    ],
    [
      'SYN-SENT, unread',
      { ...timed('retransmit', 3012, { state: 'SYN-SENT', retransmissions: 6 }), info: null },
      unread,
      {
        kind: 'dying',
        ends: { kind: 'assumed', ms: { min: 123_012, max: 127_876 }, assuming: 'no user timeout' },
      },
    ],
    [
      'SYN-RECV: no option matters',
      { ...timed('retransmit', 1000, { state: 'SYN-RECV', inode: 0 }), info: null },
      unread,
      { kind: 'dying', ends: within(63_000, 65_880) },
    ],
    [
      'SYN-RECV whose client sends its SYN again and again',
      { ...timed('retransmit', 3108, { state: 'SYN-RECV', retransmissions: 8 }), info: null },
      off,
      { kind: 'dying', ends: within(3108, 63_716) },
    ],
    [
      'SYN-SENT without its timer',
      { ...idle, state: 'SYN-SENT', info: null },
      off,
      { kind: 'dying', ends: unknown('the kernel told its timer and no more') },
    ],
    [
      'a timer without tcp_info',
      { ...timed('keepalive', 50_000), info: null },
      protectedBy,
      unknown('the kernel told its timer and no more'),
    ],
    [
      'a timer that is not told',
      { ...idle, timer: { kind: 'unknown', expiresInMs: null } },
      off,
      unknown('the kernel told its timer and no more'),
    ],
    ['CLOSE', { ...idle, state: 'CLOSE' }, off, unknown('state CLOSE')],
  ])('%s', (_, socket, options, fate) => {
    expect(fateOf(socket, options, kernel)).toEqual(fate);
  });

  it('tcp_orphan_retries, where it is set, counts for what nobody holds', () => {
    const orphan = retransmitting({ state: 'FIN-WAIT-1', inode: 0 });
    const patient = fateOf(orphan, off, { ...kernel, orphanRetries: 15 });
    expect(patient).toEqual({ kind: 'closing', ends: RETRIED });
  });

  it('of an unknown HZ holds that of every known one', () => {
    const sockets = [
      idle,
      timed('keepalive', 50_000),
      retransmitting(),
      probing(),
      blocked(4),
      blocked(0),
      timed('time-wait', 51_000, { state: 'TIME-WAIT' }),
      timed('retransmit', 900, { state: 'SYN-SENT' }),
      timed('retransmit', 900, { state: 'SYN-RECV' }),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...sockets),
        fc.constantFrom(100, 250, 300, 1000),
        fc.constantFrom(0, 3000, 90_000),
        (socket, hz, userTimeoutMs) => {
          const options = { keepalive: triple, userTimeoutMs };
          const known = spansOf(fateOf(socket, options, { ...kernel, hz }));
          const any = spansOf(fateOf(socket, options, { ...kernel, hz: undefined }));
          expect(any).toHaveLength(known.length);
          for (const [at, { min, max }] of known.entries()) {
            expect(any[at]?.min).toBeLessThanOrEqual(min + 0.001);
            expect(any[at]?.max).toBeGreaterThanOrEqual(max - 0.001);
          }
        },
      ),
    );
  });

  it('is never an empty interval, whatever the kernel tells', () => {
    const socket = fc.record({
      state: fc.constantFrom('ESTABLISHED', 'CLOSE-WAIT', 'FIN-WAIT-1', 'SYN-SENT', 'SYN-RECV'),
      kind: fc.constantFrom<TimerName>('retransmit', 'keepalive', 'zero-window', 'time-wait'),
      expiresInMs: fc.nat(8_000_000),
      retransmissions: fc.nat(255),
      inode: fc.nat(1),
      info: fc.record({
        probes: fc.nat(255),
        backoff: fc.nat(255),
        rtoMs: fc.integer({ min: 1, max: 120_000 }),
        rttMs: fc.nat(20_000),
        silentMs: fc.nat(100_000_000),
      }),
    });
    const userTimeoutMs = fc.constantFrom(null, 0, 1, 3000, 600_000);
    fc.assert(
      fc.property(
        socket,
        userTimeoutMs,
        fc.constantFrom(250, undefined),
        ({ kind, expiresInMs, info: told, ...more }, ut, hz) => {
          const options = { keepalive: triple, userTimeoutMs: ut };
          const fate = fateOf(timed(kind, expiresInMs, more, told), options, { ...kernel, hz });
          for (const { min, max } of spansOf(fate)) {
            expect(min).toBeGreaterThanOrEqual(0);
            expect(max).toBeGreaterThanOrEqual(min);
            expect(max).toBeLessThan(Infinity);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('ifVanished', () => {
  it('idle and without keepalive: never, whatever its user timeout', () => {
    expect(ifVanished(off, 'idle', kernel)).toEqual({ kind: 'never' });
    expect(ifVanished({ ...off, userTimeoutMs: 3000 }, 'idle', kernel)).toEqual({ kind: 'never' });
  });

  it('idle and with keepalive whose user timeout could not be read: that is assumed', () => {
    expect(ifVanished({ ...protectedBy, userTimeoutMs: null }, 'idle', kernel)).toEqual({
      kind: 'assumed',
      ms: { min: 60_000, max: 123_840 },
      assuming: 'no user timeout',
    });
  });

  it('busy: keepalive changes nothing, read or not', () => {
    const { keepalive } = unread;
    expect(ifVanished(protectedBy, 'write', kernel)).toEqual(QUARTER_HOUR);
    expect(ifVanished({ keepalive, userTimeoutMs: 0 }, 'write', kernel)).toEqual(QUARTER_HOUR);
  });
});

describe('orLater', () => {
  it('moves the end that it has to what was not told', () => {
    const dying: Fate = { kind: 'dying', ends: within(1000, 2000) };
    expect(orLater(dying, 999)).toEqual({ kind: 'dying', ends: within(1000, 2999) });
  });

  it.each<Fate>([
    { kind: 'forever', busy: QUARTER_HOUR },
    { kind: 'armed', idle: QUARTER_HOUR, busy: QUARTER_HOUR },
    { kind: 'slow', ends: { kind: 'never' } },
    { kind: 'leaked' },
    unknown('x'),
  ])('leaves $kind as it is', (fate) => {
    expect(orLater(fate, 999)).toEqual(fate);
  });
});

it('every fate has words, the worst first', () => {
  expect(fateKinds).toEqual(['forever', 'leaked', 'dying', 'slow', 'unknown', 'armed', 'closing']);
  expect(fateKinds.map((kind) => fateWords[kind])).not.toContain('');
});

it('an idle connection without a timer has no keepalive; with one it cannot be told which', () => {
  expect(unreadOptions(idle, 'no rights').keepalive).toEqual({ kind: 'off' });
  expect(unreadOptions(probing(), 'no rights').keepalive).toEqual(unknown('no rights'));
  // A listener has no timer, whatever it hands on.
  expect(unreadOptions({ ...idle, state: 'LISTEN' }, 'no rights').keepalive).toEqual(
    unknown('no rights'),
  );
});

function spansOf(fate: Fate) {
  const moments = Object.values(fate).filter((value): value is Moment => typeof value === 'object');
  return moments.flatMap((moment) => ('ms' in moment ? [moment.ms] : []));
}
