import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { COMPARATORS } from '../../src/core/comparator.js';
import { distribution } from '../../src/core/distribution.js';
import { checkExpectation, parseExpectation } from '../../src/core/expect.js';
import type { RowResult } from '../../src/core/result.js';
import { TcpaliveError } from '../../src/errors.js';

interface Outcome {
  readonly waited?: boolean;
  readonly falseAlarms?: number;
}

/** A row of 20 connections that were noticed after these milliseconds. */
function row(
  mode: string,
  load: RowResult['load'],
  noticedAfterMs: readonly number[],
  { waited = true, falseAlarms = 0 }: Outcome = {},
): RowResult {
  const fromDropMs = distribution(noticedAfterMs) ?? null;
  return {
    mode,
    load,
    fault: 'blackhole',
    observer: 'server',
    connections: 20,
    drop: null,
    predicted: { kind: 'never', rule: 'nothing is in flight and no timer is armed' },
    measured: {
      waited,
      waitedMs: waited ? 15_000 : 0,
      noticed: noticedAfterMs.length,
      fromDropMs,
      fromLastActivityMs: fromDropMs,
    },
    by: {},
    lingering: [],
    healthy: { connections: 20, falseAlarms },
    packetsPerHour: null,
    descriptors: null,
    alarms: null,
    agrees: null,
    footnotes: [],
  };
}

const none = row('none', 'idle', []);
const keepalive = row('keepalive=1s:1s:3', 'idle', [3100, 3620, 4090.25]);
const keepaliveWrite = row('keepalive=1s:1s:3', 'write', []);
const heartbeat = row('heartbeat=1s:3s', 'idle', [2010, 2510, 2990]);
const heartbeatWrite = row('heartbeat=1s:3s', 'write', [2020, 2600, 3300], { falseAlarms: 2 });
const both = row('keepalive=1s:1s:3+user-timeout=3s', 'idle', [0.25, 1.5, 3400]);
const system = row('keepalive=system', 'idle', [], { waited: false });
const rows = [none, keepalive, keepaliveWrite, heartbeat, heartbeatWrite, both, system];

function check(text: string, among: readonly RowResult[] = rows) {
  const { pass, got } = checkExpectation(parseExpectation(text), among);
  return `${pass ? 'pass' : 'fail'}: ${got}`;
}

describe('an expression', () => {
  it('selects rows, and holds a figure against a value', () => {
    expect(parseExpectation('heartbeat worst<3.2s')).toEqual({
      text: 'heartbeat worst<3.2s',
      words: ['heartbeat'],
      figure: 'worst',
      comparator: '<',
      value: 3200,
    });
    expect(parseExpectation('keepalive=1000ms:1s:3 idle noticed=20')).toMatchObject({
      words: ['keepalive=1s:1s:3', 'idle'],
      figure: 'noticed',
      comparator: '=',
      value: 20,
    });
    expect(parseExpectation('false=0')).toMatchObject({ words: [], figure: 'false', value: 0 });
  });

  it('may have spaces', () => {
    expect(parseExpectation('  blackhole\twrite   p95 >=  1m30s ')).toEqual({
      text: 'blackhole write p95 >= 1m30s',
      words: ['blackhole', 'write'],
      figure: 'p95',
      comparator: '>=',
      value: 90_000,
    });
  });

  it('is read back from its text', () => {
    const words = fc.constantFrom('', 'idle ', 'none ', 'heartbeat=1s:3s write ', 'freeze ');
    const operator = fc.constantFrom(...COMPARATORS);
    const held = fc.oneof(
      fc.tuple(fc.constantFrom('noticed', 'false'), operator, fc.nat(1000).map(String)),
      fc.tuple(
        fc.constantFrom('worst', 'median', 'p95', 'min'),
        operator,
        fc.integer({ min: 1, max: 100_000 }).map((ms) => `${ms}ms`),
      ),
    );
    fc.assert(
      fc.property(words, held, (selection, [figure, comparator, value]) => {
        const text = `${selection}${figure}${comparator}${value}`;
        const expectation = parseExpectation(text);
        expect(expectation).toMatchObject({ text, figure, comparator });
        expect(parseExpectation(expectation.text)).toEqual(expectation);
      }),
    );
  });

  it('is refused in words or not at all', () => {
    const token = fc.constantFrom(
      ...['idle', 'worst', 'noticed', 'p95', '<', '=', '>=', '3s', '20', ' ', '\n', 'keepalive'],
      ...['heartbeat=1s:3s', '+', 'none', ':', '-1'],
    );
    const text = fc.oneof(
      fc.string(),
      fc.array(token).map((tokens) => tokens.join('')),
    );
    fc.assert(
      fc.property(text, (expression) => {
        try {
          parseExpectation(expression);
        } catch (error) {
          if (!(error instanceof TcpaliveError)) throw error;
          expect(error.code).toBe('BAD_USAGE');
        }
      }),
    );
  });
});

describe('what is refused', () => {
  function refusal(text: string): string {
    try {
      parseExpectation(text);
    } catch (error) {
      if (error instanceof TcpaliveError && error.code === 'BAD_USAGE') return error.message;
      throw error;
    }
    throw new Error(`was accepted: ${text}`);
  }

  it('what has no figure, no comparator or no value', () => {
    expect(refusal('')).toMatchInlineSnapshot(
      `"'' is not an expectation: [WORDS] FIGURE OP VALUE, such as 'heartbeat worst<3.2s' or 'write noticed=0', with FIGURE noticed, false, worst, median, p95, min and OP < <= = >= >"`,
    );
    expect(refusal('heartbeat')).toMatchInlineSnapshot(
      `"'heartbeat' is not an expectation: [WORDS] FIGURE OP VALUE, such as 'heartbeat worst<3.2s' or 'write noticed=0', with FIGURE noticed, false, worst, median, p95, min and OP < <= = >= >"`,
    );
    expect(refusal('heartbeat wurst<3s')).toMatchInlineSnapshot(
      `"'heartbeat wurst<3s' is not an expectation: [WORDS] FIGURE OP VALUE, such as 'heartbeat worst<3.2s' or 'write noticed=0', with FIGURE noticed, false, worst, median, p95, min and OP < <= = >= >"`,
    );
    expect(refusal('keepalive=1s:1s:3')).toMatchInlineSnapshot(
      `"'keepalive=1s:1s:3' is not an expectation: [WORDS] FIGURE OP VALUE, such as 'heartbeat worst<3.2s' or 'write noticed=0', with FIGURE noticed, false, worst, median, p95, min and OP < <= = >= >"`,
    );
    expect(refusal('worst==3s')).toMatchInlineSnapshot(
      `"'worst==3s' is not an expectation: [WORDS] FIGURE OP VALUE, such as 'heartbeat worst<3.2s' or 'write noticed=0', with FIGURE noticed, false, worst, median, p95, min and OP < <= = >= >"`,
    );
    expect(refusal('worst<')).toMatchInlineSnapshot(
      `"'worst<' is not an expectation: [WORDS] FIGURE OP VALUE, such as 'heartbeat worst<3.2s' or 'write noticed=0', with FIGURE noticed, false, worst, median, p95, min and OP < <= = >= >"`,
    );
    expect(refusal('toString=1')).toMatchInlineSnapshot(
      `"'toString=1' is not an expectation: [WORDS] FIGURE OP VALUE, such as 'heartbeat worst<3.2s' or 'write noticed=0', with FIGURE noticed, false, worst, median, p95, min and OP < <= = >= >"`,
    );
  });

  it('words that are nothing a row could be', () => {
    expect(refusal('hartbeat worst<3s')).toMatchInlineSnapshot(
      `"'hartbeat' selects no row: a load (idle, write, zero-window, connect), a fault (blackhole, to-peer, from-peer, freeze, pause=T, relay, outage=T, loss=P%, close, reset), a mode such as heartbeat=1s:3s, or the name of a part of one (none, keepalive, user-timeout, heartbeat, idle-timeout, rto-max)"`,
    );
    expect(refusal('keepalive=1:1:3 worst<3s')).toMatchInlineSnapshot(
      `"'keepalive=1:1:3' has no units: did you mean keepalive=1s:1s:3?"`,
    );
    expect(refusal('idle, worst<3s')).toMatchInlineSnapshot(
      `"'idle,' selects no row: a load (idle, write, zero-window, connect), a fault (blackhole, to-peer, from-peer, freeze, pause=T, relay, outage=T, loss=P%, close, reset), a mode such as heartbeat=1s:3s, or the name of a part of one (none, keepalive, user-timeout, heartbeat, idle-timeout, rto-max)"`,
    );
  });

  it('durations without a unit, and counts with one', () => {
    expect(refusal('worst<3')).toMatchInlineSnapshot(`"'3' has no unit: did you mean 3s?"`);
    expect(refusal('worst<soon')).toMatchInlineSnapshot(
      `"'soon' is not a duration: write 250ms, 3s, 1m30s or 2h"`,
    );
    expect(refusal('noticed=20s')).toMatchInlineSnapshot(
      `"'20s' is not a count: noticed takes a whole number without a unit, such as noticed=0"`,
    );
    expect(refusal('false=-1')).toMatchInlineSnapshot(
      `"'-1' is not a count: false takes a whole number without a unit, such as false=0"`,
    );
    expect(refusal('false=0.5')).toMatchInlineSnapshot(
      `"'0.5' is not a count: false takes a whole number without a unit, such as false=0"`,
    );
  });
});

describe('the rows that words select', () => {
  it.each([
    ['none noticed=0', 'pass: 0'],
    ['heartbeat idle noticed=3', 'pass: 3'],
    ['heartbeat=1s:3s idle noticed=3', 'pass: 3'],
    ['heartbeat=1000ms:3s idle blackhole noticed=3', 'pass: 3'],
    ['user-timeout noticed=3', 'pass: 3'],
    ['keepalive=1s:1s:3+user-timeout=3s noticed=3', 'pass: 3'],
    // Not the one that also has a user timeout: a mode is the whole mode.
    ['keepalive=1s:1s:3 idle worst>4s', 'pass: 4.09025s'],
    ['keepalive idle noticed=3', 'pass: 3'],
    ['freeze noticed=0', 'fail: no row matches'],
    ['idle write noticed=0', 'fail: no row matches'],
    ['idle-timeout noticed=0', 'fail: no row matches'],
  ])('%s → %s', (text, outcome) => {
    expect(check(text)).toBe(outcome);
  });

  it('are those that were waited for', () => {
    expect(check('keepalive=system noticed=0')).toBe('fail: no matching row was waited for');
    expect(check('keepalive=system worst<3h')).toBe('fail: no matching row was waited for');
    expect(check('noticed>=0', [])).toBe('fail: no row matches');
  });
});

describe('a figure', () => {
  it.each([
    ['heartbeat=1s:3s idle worst<3s', 'pass: 2.99s'],
    ['heartbeat=1s:3s idle worst<2990ms', 'fail: 2.99s'],
    ['heartbeat=1s:3s idle worst<=2990ms', 'pass: 2.99s'],
    ['heartbeat=1s:3s idle median=2510ms', 'pass: 2.51s'],
    ['heartbeat=1s:3s idle median>2510ms', 'fail: 2.51s'],
    ['heartbeat=1s:3s idle min>2s', 'pass: 2.01s'],
    ['heartbeat=1s:3s idle p95<2s', 'fail: 2.99s'],
    ['user-timeout min<1ms', 'pass: 0.25ms'],
    ['heartbeat=1s:3s write false=0', 'fail: 2'],
    ['heartbeat=1s:3s write false<=2', 'pass: 2'],
  ])('%s → %s', (text, outcome) => {
    expect(check(text)).toBe(outcome);
  });

  it('of a row where nothing was noticed does not hold', () => {
    expect(check('none worst<3s')).toBe('fail: never noticed');
    expect(check('none min>1ms')).toBe('fail: never noticed');
  });

  it('must hold in every row', () => {
    expect(check('heartbeat worst<4s')).toBe('pass: 2.99s to 3.3s');
    expect(check('heartbeat worst<3.2s')).toBe('fail: 3.3s (heartbeat=1s:3s write blackhole)');
    expect(check('keepalive worst<5s')).toBe(
      'fail: never noticed (keepalive=1s:1s:3 write blackhole)',
    );
    expect(check('noticed=3', [heartbeat, heartbeatWrite])).toBe('pass: 3');
    expect(check('noticed=7')).toBe(
      'fail: 0 (none idle blackhole), 3 (keepalive=1s:1s:3 idle blackhole), ' +
        '0 (keepalive=1s:1s:3 write blackhole), 3 more',
    );
  });

  it('is given with the expression as it was written', () => {
    expect(checkExpectation(parseExpectation(' heartbeat  idle worst < 3s'), rows)).toEqual({
      text: 'heartbeat idle worst < 3s',
      pass: true,
      got: '2.99s',
    });
  });
});
