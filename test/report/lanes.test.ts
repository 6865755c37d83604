import fc from 'fast-check';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { ComparisonEvent, PlannedRow } from '../../src/core/progress.js';
import {
  applyEvent,
  drawLanes,
  emptyLanes,
  progressLine,
  type Lanes,
} from '../../src/report/lanes.js';
import { interval, never, plainStyle } from './comparison-fixture.js';

function planned(mode: string, changes: Partial<PlannedRow> = {}): PlannedRow {
  return {
    mode,
    load: 'idle',
    fault: 'blackhole',
    connections: 20,
    predicted: interval(2000, 3000),
    waitMs: 15_000,
    ...changes,
  };
}

const rows: readonly PlannedRow[] = [
  planned('none', { predicted: never }),
  planned('keepalive=1s:1s:3'),
  planned('keepalive=1s:1s:3+user-timeout=3s', { load: 'write', waitMs: 4000 }),
  planned('heartbeat=1s:3s'),
  planned('idle-timeout=3s', { connections: 3 }),
  planned('keepalive=system', { waitMs: 0 }),
];

const times = (count: number, atMs: (index: number) => number) =>
  Array.from({ length: count }, (_, index) => atMs(index));

function after(...events: readonly ComparisonEvent[]): Lanes {
  return events.reduce(applyEvent, applyEvent(emptyLanes(), { kind: 'planned', rows }));
}

/** Seven seconds in: two rows through, one half-way, one silent, one with a false alarm. */
const inTheMiddle = after(
  { kind: 'stage', text: 'opening 440 connections' },
  ...[-900, -500, -100].map((atMs) => ({ kind: 'beats', row: 3, atMs, count: 20 }) as const),
  ...[0, 1, 2, 3, 4].map((row) => ({ kind: 'dropped', row }) as const),
  ...[1000, 2000, 3000].map((atMs) => ({ kind: 'segments', row: 1, atMs, count: 20 }) as const),
  ...times(12, (at) => 3200 + at * 80).map(
    (atMs) => ({ kind: 'noticed', row: 1, atMs, by: 'ETIMEDOUT' }) as const,
  ),
  ...times(20, () => 3462).map(
    (atMs) => ({ kind: 'noticed', row: 2, atMs, by: 'ETIMEDOUT' }) as const,
  ),
  { kind: 'row-done', row: 2 },
  ...times(20, (at) => 2025 + at * 50).map(
    (atMs) => ({ kind: 'noticed', row: 3, atMs, by: 'heartbeat' }) as const,
  ),
  { kind: 'noticed', row: 4, atMs: 2900, by: 'idle-timeout' },
  { kind: 'false-alarm', row: 4, atMs: 6100, by: 'idle-timeout' },
);

function draw(lanes: Lanes, nowMs: number, width: number): string {
  return drawLanes(lanes, nowMs, { ...plainStyle, width }).join('\n');
}

describe('drawLanes', () => {
  it('draws one lane a row', () => {
    expect(draw(inTheMiddle, 7000, 100)).toMatchInlineSnapshot(`
      "none                              idle     |                                       20 silent
      keepalive=1s:1s:3                 idle     |  ? ?  354                             12/20, 8 silent
      keepalive=1s:1s:3+user-timeout=3s write    |        #                              20/20 at 3.46s
      heartbeat=1s:3s                   idle   ..|    488                                20/20 at 2.48s
      idle-timeout=3s                   idle     |      x       !                        1/3, 1 false
      keepalive=system                  idle                                             predicted only
                                                 0s           5s   ^      10s
      . sign of life   ? sent by the kernel   | the cut   x noticed   # all noticed at once
      ! false alarm   2-9 + several noticed
      7s of 15s: 53 of 83 noticed, 1 false alarm; about 8s left"
    `);
    expect(draw(inTheMiddle, 7000, 140)).toMatchInlineSnapshot(`
      "none                              idle       |                                                               20 silent
      keepalive=1s:1s:3                 idle       |   ?   ?   ?3333                                               12/20 noticed, 8 silent
      keepalive=1s:1s:3+user-timeout=3s write      |             #                                                 20/20 noticed at 3.46s median
      heartbeat=1s:3s                   idle   . ..|       35552                                                   20/20 noticed at 2.48s median
      idle-timeout=3s                   idle       |           x            !                                      1/3, 1 false
      keepalive=system                  idle                                                                       predicted only
                                                   0s      2s      4s      6s   ^   8s      10s     12s     14s
      . sign of life   ? sent by the kernel   | the cut   x noticed   # all noticed at once   ! false alarm   2-9 + several noticed
      7s of 15s: 53 of 83 noticed, 1 false alarm; about 8s left"
    `);
  });

  it('has nicer glyphs where the terminal has them', () => {
    const style = { color: false, unicode: true, width: 80 };
    expect(drawLanes(inTheMiddle, 7000, style).join('\n')).toMatchInlineSnapshot(`
      "none                       idle    ╷                           20 silent
      keepalive=1s:1s:3          idle    ╷ ◦ ◦◦75                    12/20, 8 silent
      keepalive=1s:1s:3+user-ti… write   ╷     ■                     20/20 at 3.46s
      heartbeat=1s:3s            idle   ·╷   +9                      20/20 at 2.48s
      idle-timeout=3s            idle    ╷    ●    !                 1/3, 1 false
      keepalive=system           idle                                predicted only
                                         0s       5s ▲    10s
      · sign of life   ◦ sent by the kernel   ╷ the cut   ● noticed
      ■ all noticed at once   ! false alarm   2-9 + several noticed
      7s of 15s: 53 of 83 noticed, 1 false alarm; about 8s left"
    `);
  });

  it('is one status line a row where there is no room for a timeline', () => {
    expect(draw(inTheMiddle, 7000, 59)).toMatchInlineSnapshot(`
      "none                              idle: 20 silent
      keepalive=1s:1s:3                 idle: 12/20, 8 silent
      keepalive=1s:1s:3+user-timeout=3s write: 20/20 at 3.46s
      heartbeat=1s:3s                   idle: 20/20 at 2.48s
      idle-timeout=3s                   idle: 1/3, 1 false
      keepalive=system                  idle: predicted only
      7s of 15s: 53 of 83 noticed, 1 false alarm; about 8s left"
    `);
  });

  it('shows connections that are open and beating before the drop', () => {
    const lanes = after({ kind: 'beats', row: 3, atMs: -400, count: 20 });
    expect(draw(lanes, -300, 80)).toMatchInlineSnapshot(`
      "none                       idle                                20 open
      keepalive=1s:1s:3          idle                                20 open
      keepalive=1s:1s:3+user-ti~ write                               20 open
      heartbeat=1s:3s            idle    .                           20 open
      idle-timeout=3s            idle                                3 open
      keepalive=system           idle                                predicted only
                                         0s       5s      10s
      . sign of life   ? sent by the kernel   | the cut   x noticed
      # all noticed at once   ! false alarm   2-9 + several noticed
      starting"
    `);
  });

  it('names the fault where several are compared', () => {
    const faults = [planned('none'), planned('none', { fault: 'freeze', waitMs: 5000 })];
    const lanes = applyEvent(emptyLanes(), { kind: 'planned', rows: faults });
    expect(draw(lanes, 0, 80)).toMatchInlineSnapshot(`
      "none idle  blackhole                                           20 open
      none idle  freeze                                              20 open
                              0s          5s          10s
      . sign of life   ? sent by the kernel   | the cut   x noticed
      # all noticed at once   ! false alarm   2-9 + several noticed
      starting"
    `);
  });

  it('says the same without colour', () => {
    const colored = drawLanes(inTheMiddle, 7000, { ...plainStyle, color: true });
    expect(colored.join('\n')).toContain('\x1b[');
    expect(stripVTControlCharacters(colored.join('\n'))).toBe(draw(inTheMiddle, 7000, 100));
  });

  it('is never wider than asked, whatever happens, and ASCII unless told otherwise', () => {
    const row = fc.nat({ max: 7 });
    const atMs = fc.integer({ min: -5000, max: 40_000 });
    const by = fc.constant('heartbeat');
    const event: fc.Arbitrary<ComparisonEvent> = fc.oneof(
      fc.record({ kind: fc.constantFrom('dropped', 'row-done'), row }),
      fc.record({ kind: fc.constantFrom('beats', 'segments'), row, atMs, count: fc.nat() }),
      fc.record({ kind: fc.constantFrom('noticed', 'false-alarm'), row, atMs, by }),
    );
    fc.assert(
      fc.property(
        fc.array(event),
        atMs,
        fc.integer({ min: 0, max: 250 }),
        fc.boolean(),
        fc.boolean(),
        (events, nowMs, width, unicode, color) => {
          const lanes = after(...events);
          for (const line of drawLanes(lanes, nowMs, { width, unicode, color })) {
            const seen = stripVTControlCharacters(line);
            expect(seen.length).toBeLessThanOrEqual(width);
            if (!unicode) expect(seen).toMatch(/^[ -~]*$/);
          }
        },
      ),
    );
  });

  it('does not grow with the length of a run', () => {
    const beats = times(20_000, (at) => at).map(
      (atMs) => ({ kind: 'beats', row: 3, atMs, count: 1 }) as const,
    );
    expect(after(...beats).lanes[3]?.beatSlots.size).toBeLessThanOrEqual(400);
  });
});

describe('progressLine', () => {
  it('says how far, what is known and how long is left', () => {
    expect(progressLine(inTheMiddle, 7_200)).toBe(
      '7s of 15s: 53 of 83 noticed, 1 false alarm; about 8s left',
    );
  });

  it('is all there is to draw before the rows are known', () => {
    const state = applyEvent(emptyLanes(), { kind: 'stage', text: 'entering a namespace' });
    expect(draw(state, 0, 100)).toBe('entering a namespace');
  });

  it('is the stage until something was dropped', () => {
    expect(progressLine(emptyLanes(), 0)).toBe('starting');
    const opening = after({ kind: 'stage', text: 'opening 440 connections\x1b[2J' });
    expect(progressLine(opening, -500)).toBe('opening 440 connections\\x1b[2J');
  });

  it('counts down to the longest row that is still awaited', () => {
    const [longDone, allDone] = [
      [0, 1, 3, 4],
      [0, 1, 2, 3, 4],
    ].map((done) =>
      after(
        { kind: 'dropped', row: 0 },
        ...done.map((row) => ({ kind: 'row-done', row }) as const),
      ),
    );
    expect(progressLine(longDone ?? emptyLanes(), 1000)).toContain('; about 3s left');
    expect(progressLine(longDone ?? emptyLanes(), 4000)).toContain('; finishing');
    expect(progressLine(allDone ?? emptyLanes(), 1000)).toContain('; finishing');
  });
});

it('applyEvent leaves the value it was given as it was', () => {
  const before = after();
  applyEvent(before, { kind: 'noticed', row: 0, atMs: 1, by: 'FIN' });
  expect(before).toEqual(after());
});
