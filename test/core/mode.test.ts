import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMode, parseMode, parseModes, type Mode } from '../../src/core/mode.js';
import { TcpaliveError } from '../../src/errors.js';
import { refusalOf } from '../refusal.js';

const GRAMMAR =
  'none, keepalive=IDLE:INTERVAL:COUNT, keepalive=system, user-timeout=T, ' +
  'heartbeat=INTERVAL:TIMEOUT, idle-timeout=T or rto-max=T, combined with +';
const SECONDS = 'keepalive takes whole seconds, 1s to 32767s';

describe('parseMode', () => {
  it.each<[string, Mode]>([
    ['none', {}],
    ['keepalive', { keepalive: { idleSeconds: 60, intervalSeconds: 10, count: 6 } }],
    ['user-timeout', { userTimeoutMs: 120_000 }],
    ['heartbeat', { heartbeat: { intervalMs: 1000, timeoutMs: 3000 } }],
    ['idle-timeout', { idleTimeoutMs: 300_000 }],
  ])('gives the bare name %s its defaults', (text, mode) => {
    expect(parseMode(text)).toEqual(mode);
  });

  it.each<[string, Mode]>([
    ['keepalive=5s:3s:2', { keepalive: { idleSeconds: 5, intervalSeconds: 3, count: 2 } }],
    ['keepalive=2m:1.0s:127', { keepalive: { idleSeconds: 120, intervalSeconds: 1, count: 127 } }],
    [
      'keepalive=32767s:32767s:1',
      { keepalive: { idleSeconds: 32_767, intervalSeconds: 32_767, count: 1 } },
    ],
    ['keepalive=system', { keepalive: 'system' }],
    ['user-timeout=1.005s', { userTimeoutMs: 1005 }],
    ['heartbeat=10ms:11ms', { heartbeat: { intervalMs: 10, timeoutMs: 11 } }],
    [
      'idle-timeout=1h+keepalive=system+user-timeout=90s',
      { idleTimeoutMs: 3_600_000, keepalive: 'system', userTimeoutMs: 90_000 },
    ],
  ])('reads %s', (text, mode) => {
    expect(parseMode(text)).toEqual(mode);
  });

  it.each([
    ['', `'' is not a mode: ${GRAMMAR}`],
    ['heartbeet=1s:3s', `'heartbeet' is not a mode: ${GRAMMAR}`],
    ['keepalive+', `'' is not a mode: ${GRAMMAR}`],
    ['none+heartbeat', "'none+heartbeat': none cannot be combined"],
    ['heartbeat+none', "'heartbeat+none': none cannot be combined"],
    [
      'keepalive+keepalive=system',
      "'keepalive+keepalive=system' has two keepalive modes: keep one",
    ],
    ['keepalive=0:1:1', `'keepalive=0:1:1': '0' is too short, ${SECONDS}`],
    ['keepalive=0s:1s:1', `'keepalive=0s:1s:1': '0s' is too short, ${SECONDS}`],
    ['keepalive=60:10:6', "'keepalive=60:10:6' has no units: did you mean keepalive=60s:10s:6?"],
    ['keepalive=60s:10:6', "'keepalive=60s:10:6' has no units: did you mean keepalive=60s:10s:6?"],
    ['keepalive=1500ms:1s:3', `'keepalive=1500ms:1s:3': '1500ms' cannot be had, ${SECONDS}`],
    ['keepalive=40000s:1s:3', `'keepalive=40000s:1s:3': '40000s' cannot be had, ${SECONDS}`],
    ['keepalive=1s:1s:0', "'keepalive=1s:1s:0': the count is a whole number, 1 to 127"],
    ['keepalive=1s:1s:128', "'keepalive=1s:1s:128': the count is a whole number, 1 to 127"],
    ['keepalive=1s:1s:3s', "'keepalive=1s:1s:3s': the count is a whole number, 1 to 127"],
    [
      'keepalive=60s',
      "'keepalive=60s' must be keepalive=IDLE:INTERVAL:COUNT, such as keepalive=60s:10s:6",
    ],
    [
      'keepalive=',
      "'keepalive=' must be keepalive=IDLE:INTERVAL:COUNT, such as keepalive=60s:10s:6",
    ],
    [
      'keepalive=1x:1s:3',
      "'keepalive=1x:1s:3': '1x' is not a duration: write 250ms, 3s, 1m30s or 2h",
    ],
    ['user-timeout=30', "'user-timeout=30': '30' has no unit: did you mean 30s?"],
    ['user-timeout=', "'user-timeout=': '' is not a duration: write 250ms, 3s, 1m30s or 2h"],
    [
      'user-timeout=1.5ms',
      "'user-timeout=1.5ms': '1.5ms' cannot be had, user-timeout takes whole milliseconds",
    ],
    ['idle-timeout=200h', "'idle-timeout=200h': '200h' is out of range: more than 0, at most 168h"],
    ['heartbeat=1:3', "'heartbeat=1:3' has no units: did you mean heartbeat=1s:3s?"],
    ['heartbeat=1s', "'heartbeat=1s' must be heartbeat=INTERVAL:TIMEOUT, such as heartbeat=1s:3s"],
    ['heartbeat=5ms:1s', "'heartbeat=5ms:1s': '5ms' is too short, at least 10ms"],
    [
      'heartbeat=1s:1s',
      "'heartbeat=1s:1s': the timeout 1s must be longer than the interval 1s, " +
        'or every connection is given up between two beats',
    ],
    [
      'heartbeat=3s:1s',
      "'heartbeat=3s:1s': the timeout 1s must be longer than the interval 3s, " +
        'or every connection is given up between two beats',
    ],
  ])('refuses %o in one line that names the value', (text, message) => {
    const refusal = refusalOf(() => parseMode(text));
    expect(refusal.message).toBe(message);
    expect(refusal.code).toBe('BAD_USAGE');
  });

  it('reads back every mode that formatMode writes', () => {
    fc.assert(
      fc.property(anyMode, (mode) => {
        expect(parseMode(formatMode(mode))).toEqual(mode);
      }),
    );
  });

  it('never throws anything but a refusal, whatever the text', () => {
    const looksRight = fc
      .array(
        fc.constantFrom(
          ...['none', 'keepalive', 'user-timeout', 'heartbeat', 'idle-timeout', 'system'],
          ...['=', ':', '+', '1', '0', '90', '.', 's', 'ms', 'm', 'h', ' ', '-', ','],
        ),
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(fc.oneof(fc.string(), looksRight), (text) => {
        try {
          parseMode(text);
        } catch (error) {
          expect(error).toBeInstanceOf(TcpaliveError);
        }
      }),
    );
  });
});

describe('parseModes', () => {
  it('reads a list, blanks around its commas ignored', () => {
    expect(parseModes('none, keepalive=system ,heartbeat').map(formatMode)).toEqual([
      'none',
      'keepalive=system',
      'heartbeat=1s:3s',
    ]);
  });

  it('refuses an empty place in the list', () => {
    expect(refusalOf(() => parseModes('none,,heartbeat')).message).toBe(
      `'' is not a mode: ${GRAMMAR}`,
    );
  });
});

describe('formatMode', () => {
  it('writes the parts of a combination in one order, whatever the order they were given in', () => {
    expect(formatMode(parseMode('idle-timeout=90s+heartbeat+user-timeout=2m+keepalive'))).toBe(
      'keepalive=60s:10s:6+user-timeout=2m+heartbeat=1s:3s+idle-timeout=1m30s',
    );
  });
});

const week = 604_800_000;
const keepaliveSeconds = fc.integer({ min: 1, max: 32_767 });
const wholeMs = fc.integer({ min: 1, max: week });

const anyMode: fc.Arbitrary<Mode> = fc.record(
  {
    keepalive: fc.oneof(
      fc.constant('system' as const),
      fc.record({
        idleSeconds: keepaliveSeconds,
        intervalSeconds: keepaliveSeconds,
        count: fc.integer({ min: 1, max: 127 }),
      }),
    ),
    userTimeoutMs: wholeMs,
    heartbeat: fc
      .tuple(fc.integer({ min: 10, max: week - 1 }), wholeMs)
      .filter(([intervalMs, timeoutMs]) => timeoutMs > intervalMs)
      .map(([intervalMs, timeoutMs]) => ({ intervalMs, timeoutMs })),
    idleTimeoutMs: wholeMs,
  },
  { requiredKeys: [] },
);
