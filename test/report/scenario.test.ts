import { describe, expect, it } from 'vitest';
import type { ScenarioResult, ScenarioRow } from '../../src/core/scenario-result.js';
import type { Lingering } from '../../src/core/result.js';
import { reportScenario } from '../../src/report/scenario.js';
import { interval, never, plainStyle, resultOf } from './comparison-fixture.js';

const forgotten: Lingering = {
  count: 5,
  state: 'ESTABLISHED',
  timer: 'none',
  expiresInMs: null,
  retransmissions: 0,
  sendQueueBytes: 0,
  dies: never,
};

/** Six opened, five cut, all of them still there; until told otherwise. */
function rowOf(changes: Partial<ScenarioRow> = {}): ScenarioRow {
  return {
    mode: 'none',
    opened: 6,
    answered: 6,
    refused: 0,
    noticed: 0,
    established: 6,
    stale: 5,
    live: 1,
    peakDescriptors: 31,
    staleSockets: [forgotten],
    by: {},
    firstRefused: null,
    descriptorLimit: null,
    drop: { engine: 'socket-filter', cuts: 5, proven: 5 },
    checks: [{ text: 'established=6', got: '6', pass: true }],
    ...changes,
  };
}

function resultWith(changes: Partial<ScenarioResult> = {}): ScenarioResult {
  const { host, capabilities } = resultOf();
  return {
    schema: 'tcpalive/scenario/1',
    complete: true,
    startedAt: '2026-11-20T14:02:07.123Z',
    durationMs: 3456,
    name: 'Five times out of the tunnel and in again',
    story:
      'A train passes five tunnels. In each of them the phone loses its signal, gives up its ' +
      'connection and, once it is outside, opens another one.',
    host,
    capabilities,
    namespace: 'private',
    notes: [],
    rows: [rowOf()],
    ...changes,
  };
}

function table(changes: Partial<ScenarioResult> = {}, width = 100): string {
  const style = { ...plainStyle, width };
  return reportScenario(resultWith(changes), { format: 'table', style });
}

const heartbeat = rowOf({
  mode: 'heartbeat=1s:3s',
  noticed: 5,
  by: { heartbeat: 5 },
  established: 1,
  stale: 0,
  staleSockets: [],
  descriptorLimit: 64,
  checks: [
    { text: 'stale=0', got: '0', pass: true },
    { text: 'noticed=6', got: '5', pass: false },
  ],
});

describe('reportScenario', () => {
  it('tells the story, what happened, what lingers and what was expected', () => {
    expect(table({ rows: [rowOf(), heartbeat] })).toMatchInlineSnapshot(`
      "Five times out of the tunnel and in again
      A train passes five tunnels. In each of them the phone loses its signal, gives up its connection
      and, once it is outside, opens another one.
      10 cuts, proven, private namespace, Linux 6.18, 3.5s

      MODE             OPENED  REFUSED  NOTICED  ESTABLISHED  STALE  LIVE  PEAK FDS  LOCKED OUT
      none                  6        0        0            6      5     1        31  nobody
      heartbeat=1s:3s       6        0        5            1      0     1     31/64  nobody

      none: 5 stale ESTABLISHED, no timer armed: stays for ever
      pass  none: established=6  (got 6)
      pass  heartbeat=1s:3s: stale=0  (got 0)
      FAIL  heartbeat=1s:3s: noticed=6  (got 5)
      "
    `);
  });

  it('tells who was locked out, and from when on', () => {
    const crowded = { descriptorLimit: 64, peakDescriptors: 64, opened: 240 };
    const text = table({
      rows: [
        rowOf({ ...crowded, refused: 193, firstRefused: 48 }),
        rowOf({ ...crowded, refused: 12, firstRefused: 48, mode: 'keepalive=1s:1s:3' }),
        rowOf({ ...crowded, mode: 'heartbeat=1s:3s' }),
      ],
    });
    expect(text.split('\n').slice(4, 8).join('\n')).toMatchInlineSnapshot(`
      "
      MODE               OPENED  REFUSED  NOTICED  ESTABLISHED  STALE  LIVE  PEAK FDS  LOCKED OUT
      none                  240      193        0            6      5     1     64/64  everybody from #48 on
      keepalive=1s:1s:3     240       12        0            6      5     1     64/64  12, first #48"
    `);
  });

  it.each<[string, Partial<Lingering>, string]>([
    ['that nothing will end', {}, '5 stale ESTABLISHED, no timer armed: stays for ever'],
    [
      'that the kernel will probe to death',
      { timer: 'keepalive', dies: interval(7_875_000, 7_978_000) },
      '5 stale ESTABLISHED, timer keepalive: gone after 2h11m-2h13m (predicted)',
    ],
    [
      'with data that nobody acknowledges',
      {
        count: 1,
        timer: 'retransmit',
        sendQueueBytes: 66,
        retransmissions: 4,
        dies: interval(925_000, 947_700),
      },
      '1 stale ESTABLISHED, timer retransmit, 66 bytes in the send queue, ' +
        '4 retransmissions so far: gone after 15m25s-48s (predicted)',
    ],
  ])('says what becomes of a socket %s', (_, changes, words) => {
    const text = table({ rows: [rowOf({ staleSockets: [{ ...forgotten, ...changes }] })] });
    expect(text.split('\n')).toContain(`none: ${words}`);
  });

  it('says under what conditions it was played', () => {
    const conditions = (changes: Partial<ScenarioResult>) => table(changes, 200).split('\n')[2];
    expect(conditions({})).toBe('5 cuts, proven, private namespace, Linux 6.18, 3.5s');
    expect(
      conditions({
        complete: false,
        namespace: 'host',
        durationMs: 61_000,
        rows: [
          rowOf({ drop: { engine: 'min-ttl', cuts: 1, proven: 0 } }),
          rowOf({ drop: { engine: 'min-ttl', cuts: 2, proven: 2 } }),
        ],
      }),
    ).toBe(
      "interrupted: figures so far, 3 cuts, only 2 of them proven, on the host's loopback, Linux 6.18, 1m1s",
    );
  });

  it('fills lines as wide as the output', () => {
    const text = table({ notes: ['one note '.repeat(8).trim()] }, 40);
    expect(text.split('\n').slice(0, 6).join('\n')).toMatchInlineSnapshot(`
      "Five times out of the tunnel and in
      again
      A train passes five tunnels. In each of
      them the phone loses its signal, gives
      up its connection and, once it is
      outside, opens another one."
    `);
    expect(text).toMatch(/\nNote: one note one note one note one\nnote one note/);
  });

  it('colours only what failed', () => {
    const style = { ...plainStyle, color: true };
    const text = reportScenario(resultWith({ rows: [rowOf(), heartbeat] }), {
      format: 'table',
      style,
    });
    const painted = text.split('\n').filter((line) => line.includes('\x1b'));
    expect(painted).toEqual(['\x1b[31mFAIL  heartbeat=1s:3s: noticed=6  (got 5)\x1b[39m']);
  });

  it('shows what a terminal would have acted on', () => {
    const text = table({
      name: 'a\x1b[2Jname',
      story: 'a story\x9b31m',
      notes: ['a\x07note'],
      host: { ...resultOf().host, kernel: 'evil\x1b]0;x\x07' },
    });
    expect(text).toContain('a\\x1b[2Jname\n');
    expect(text).toContain('a story\\x9b31m\n');
    expect(text).toContain('\nNote: a\\x07note\n');
    expect(text).toContain('Linux evil\\x1b]0;x\\x07');
  });

  it('is the result itself as JSON, never coloured', () => {
    const result = resultWith({ rows: [rowOf(), heartbeat] });
    const style = { ...plainStyle, color: true };
    const text = reportScenario(result, { format: 'json', style });
    expect(JSON.parse(text)).toEqual(result);
    expect(text).not.toContain('\x1b');
    expect(text.endsWith('}\n')).toBe(true);
  });
});
