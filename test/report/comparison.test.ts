import fc from 'fast-check';
import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { formatMode } from '../../src/core/mode.js';
import type { RowResult } from '../../src/core/result.js';
import { defaultRows as coreDefaultRows } from '../../src/core/row.js';
import { reportComparison } from '../../src/report/comparison.js';
import { formats, type Format, type Style } from '../../src/report/format.js';
import { printable } from '../../src/report/printable.js';
import {
  defaultRows,
  interval,
  noticedRow,
  notWaitedRow,
  plainStyle,
  resultOf,
  rowOf,
} from './comparison-fixture.js';

function report(
  result = resultOf(),
  format: Format = 'table',
  changes: { wide?: boolean; style?: Partial<Style> } = {},
): string {
  const style = { ...plainStyle, ...changes.style };
  return reportComparison(result, { format, style, wide: changes.wide ?? false });
}

function lines(text: string): readonly string[] {
  return text.trimEnd().split('\n');
}

it('is shown here with the rows that compare has by default', () => {
  const conditionOf = (row: { load: string; fault: string }) => `${row.load} ${row.fault}`;
  expect(defaultRows.map((row) => `${row.mode} ${conditionOf(row)}`)).toEqual(
    coreDefaultRows().map((row) => `${formatMode(row.mode)} ${conditionOf(row)}`),
  );
});

describe('the table', () => {
  it('fits 100 columns with the default rows', () => {
    expect(report()).toMatchInlineSnapshot(`
      "blackhole both ways, proven (0 segments delivered), private namespace, 20 connections a row,
      Linux 6.18, 12.3s, event loop at most 4.0ms late
      MODE                               LOAD   NOTICED  PREDICTED    MEDIAN  WORST  FALSE  OTHERWISE
      none                               idle      0/20  never             -      -   0/20  stays for ever
      none                               write     0/20  15m25s-48s        -      -   0/20  write() worked
      keepalive=1s:1s:3                  idle     20/20  3.00-4.13s    3.56s  4.12s   0/20
      keepalive=1s:1s:3                  write     0/20  15m25s-48s        -      -   0/20  off till acked
      user-timeout=3s                    idle      0/20  never             -      -   0/20  nothing to ack
      user-timeout=3s                    write    20/20  3.40-3.52s    3.46s  3.50s   0/20
      keepalive=1s:1s:3+user-timeout=3s  write    20/20  3.40-3.52s    3.46s  3.50s   0/20
      heartbeat=1s:3s                    idle     20/20  2.00-3.00s    2.50s  2.99s   0/20
      heartbeat=1s:3s                    write    20/20  2.00-3.00s    2.50s  2.99s   0/20
      idle-timeout=3s                    idle     20/20  2.00-3.00s    2.50s  2.99s  20/20  ends quiet too
      this host: keepalive=system        idle         -  2h11m-2h13m       -      -      -  not waited for
      Times from the cut. Lab-sized values, not a recommendation.
      Yours: tcpalive compare --modes keepalive=60s:10s:6+user-timeout=2m,heartbeat=10s:30s
      "
    `);
    for (const line of lines(report())) expect(line.length).toBeLessThanOrEqual(100);
  });

  it('spells remarks out where there is room', () => {
    const rows = [
      ...defaultRows,
      rowOf({ mode: 'user-timeout=2m', load: 'write', predicted: interval(120_404, 128_000) }),
    ];
    expect(report(resultOf(rows), 'table', { style: { width: 122 } })).toMatchInlineSnapshot(`
      "blackhole both ways, proven (0 segments delivered), private namespace, 20 connections a row, Linux 6.18, 12.3s,
      event loop at most 4.0ms late
      MODE                               LOAD   NOTICED  PREDICTED    MEDIAN  WORST  FALSE  OTHERWISE
      none                               idle      0/20  never             -      -   0/20  stays for ever
      none                               write     0/20  15m25s-48s        -      -   0/20  its write() succeeded
      keepalive=1s:1s:3                  idle     20/20  3.00-4.13s    3.56s  4.12s   0/20
      keepalive=1s:1s:3                  write     0/20  15m25s-48s        -      -   0/20  off while data is unacked
      user-timeout=3s                    idle      0/20  never             -      -   0/20  nothing in flight to time out
      user-timeout=3s                    write    20/20  3.40-3.52s    3.46s  3.50s   0/20
      keepalive=1s:1s:3+user-timeout=3s  write    20/20  3.40-3.52s    3.46s  3.50s   0/20
      heartbeat=1s:3s                    idle     20/20  2.00-3.00s    2.50s  2.99s   0/20
      heartbeat=1s:3s                    write    20/20  2.00-3.00s    2.50s  2.99s   0/20
      idle-timeout=3s                    idle     20/20  2.00-3.00s    2.50s  2.99s  20/20  also ends quiet users
      this host: keepalive=system        idle         -  2h11m-2h13m       -      -      -  not waited for
      user-timeout=2m                    write     0/20  2m0s-2m8s         -      -   0/20  not within 15s (2m0s-2m8s predicted)
      Times from the cut.
      "
    `);
  });

  it('shows fault, cause, 95th percentile, cost and the phase-free figures when wide', () => {
    const text = report(resultOf(defaultRows.slice(0, 4)), 'table', { wide: true });
    expect(text).toMatchInlineSnapshot(`
      "blackhole both ways, proven (0 segments delivered), private namespace, 20 connections a row,
      Linux 6.18, 12.3s, event loop at most 4.0ms late
      MODE               LOAD   FAULT      NOTICED  BY         PREDICTED   MEDIAN    P95  WORST  FROM-LAST-ACTIVITY  FALSE    COST  OTHERWISE
      none               idle   blackhole     0/20  -          never            -      -      -                   -   0/20  3600/h  stays for ever
      none               write  blackhole     0/20  -          15m25s-48s       -      -      -                   -   0/20  3600/h  its write() succeeded
      keepalive=1s:1s:3  idle   blackhole    20/20  ETIMEDOUT  3.00-4.13s   3.56s  4.12s  4.12s          3.56-4.12s   0/20  3600/h
      keepalive=1s:1s:3  write  blackhole     0/20  -          15m25s-48s       -      -      -                   -   0/20  3600/h  off while data is unacked
      Times from the cut. Lab-sized values, not a recommendation.
      Yours: tcpalive compare --modes keepalive=60s:10s:6+user-timeout=2m,heartbeat=10s:30s
      "
    `);
  });

  it('has a FAULT column as soon as faults differ, and says what each is', () => {
    const rows = [
      rowOf(),
      rowOf({ fault: 'freeze', mode: 'keepalive=1s:1s:3', drop: null }),
      noticedRow('none', 'FIN', [0.2, 0.4], {
        fault: 'close',
        drop: null,
        predicted: interval(0, 0),
      }),
      noticedRow('none', 'ECONNRESET', [0.2, 0.4], {
        fault: 'reset',
        drop: null,
        predicted: interval(0, 0),
      }),
    ];
    expect(report(resultOf(rows))).toMatchInlineSnapshot(`
      "private namespace, 20 connections a row, Linux 6.18, 12.3s, event loop at most 4.0ms late
      blackhole both ways, proven (0 segments delivered)
      freeze: peer process stopped, its kernel alive
      close: peer closes (FIN)
      reset: peer resets (RST)
      MODE               LOAD  FAULT      NOTICED  PREDICTED  MEDIAN  WORST  FALSE  OTHERWISE
      none               idle  blackhole     0/20  never           -      -   0/20  stays for ever
      keepalive=1s:1s:3  idle  freeze        0/20  never           -      -   0/20  kernel answers
      none               idle  close        20/20  0.00s       0.00s  0.00s   0/20
      none               idle  reset        20/20  0.00s       0.00s  0.00s   0/20
      Times from the fault. Lab-sized values, not a recommendation.
      Yours: tcpalive compare --modes keepalive=60s:10s:6+user-timeout=2m,heartbeat=10s:30s
      "
    `);
  });

  it('says who was not proven, what was given up and what went wrong, in words', () => {
    const unproven = {
      engine: 'min-ttl',
      proven: false,
      deliveredSegments: 1,
      cutGapMs: 9,
    } as const;
    const rows = [
      rowOf({ footnotes: ['the kernel does not show this timer'], drop: unproven }),
      noticedRow('heartbeat=10s:30s', 'heartbeat', [2010, 2990], {
        agrees: false,
        healthy: { connections: 20, falseAlarms: 2 },
        footnotes: ['the peer was slow to be cut', 'the kernel does not show this timer'],
      }),
    ];
    const result = resultOf(rows, {
      complete: false,
      namespace: 'host',
      notes: [
        'unshare: \x1b[31mOperation not permitted',
        `so ${'the host itself '.repeat(9)}was used`,
      ],
    });
    expect(report(result)).toMatchInlineSnapshot(`
      "interrupted: figures so far, blackhole both ways, NOT proven for 1 row (1 segment delivered),
      minimum TTL on the host's loopback, 20 connections a row, Linux 6.18, 12.3s,
      event loop at most 4.0ms late
      MODE                       LOAD  NOTICED  PREDICTED   MEDIAN  WORST  FALSE  OTHERWISE
      none [1]                   idle     0/20  never            -      -   0/20  stays for ever
      heartbeat=10s:30s [2] [1]  idle    20/20  2.00-3.00s   2.50s  2.99s   2/20  DISAGREES
      Note: unshare: \\x1b[31mOperation not permitted
      Note: so the host itself the host itself the host itself the host itself the host itself the host
      itself the host itself the host itself the host itself was used
      [1] the kernel does not show this timer
      [2] the peer was slow to be cut
      Times from the cut.
      "
    `);
  });

  it('has a line for a run that measured nothing', () => {
    const rows = [notWaitedRow('keepalive=60s:10s:6', interval(60_000, 120_000))];
    expect(report(resultOf(rows))).toMatchInlineSnapshot(`
      "blackhole both ways, private namespace, Linux 6.18, 12.3s, predicted only
      MODE                 LOAD  NOTICED  PREDICTED  MEDIAN  WORST  FALSE  OTHERWISE
      keepalive=60s:10s:6  idle        -  1m0s-2m0s       -      -      -  not waited for
      Times from the cut.
      "
    `);
  });

  it('counts connections that differ between rows', () => {
    const [header] = lines(report(resultOf([rowOf({ connections: 1 }), rowOf()])));
    expect(header).toContain('1-20 connections a row');
    expect(report(resultOf([rowOf({ connections: 1 })]))).toContain('1 connection a row');
  });

  it.each([
    ['private', 'socket-filter', 'private namespace'],
    ['private', 'min-ttl', 'minimum TTL in a private namespace'],
    ['host', 'socket-filter', "on the host's loopback"],
    ['host', 'min-ttl', "minimum TTL on the host's loopback"],
  ] as const)('tells where: %s namespace, %s', (namespace, engine, words) => {
    const drop = { engine, proven: true, deliveredSegments: 0, cutGapMs: 0 };
    const text = report(resultOf([rowOf({ drop })], { namespace }));
    expect(text.split(/,\s/)).toContain(words);
  });

  it('gives its own advice only beside its own lab-sized values', () => {
    const modes = (...names: string[]) => report(resultOf(names.map((mode) => rowOf({ mode }))));
    expect(modes('none', 'heartbeat=1s:3s')).toContain('not a recommendation');
    expect(modes('heartbeat=1s:3s', 'heartbeat=10s:30s')).not.toContain('not a recommendation');
    expect(modes('heartbeat=1s:3s+idle-timeout=3s')).not.toContain('not a recommendation');
    expect(modes('none')).not.toContain('not a recommendation');
  });

  it('colours false alarms and disagreement, and says the same without colour', () => {
    const rows = [
      noticedRow('heartbeat=1s:3s', 'heartbeat', [2010, 2990], {
        agrees: false,
        healthy: { connections: 20, falseAlarms: 2 },
      }),
      rowOf(),
    ];
    const colored = report(resultOf(rows), 'table', { style: { color: true } });
    expect(colored).toContain('\x1b[33m2/20\x1b[39m');
    expect(colored).toContain('\x1b[31mDISAGREES');
    expect(stripVTControlCharacters(colored)).toBe(report(resultOf(rows)));
    const healthy = report(resultOf([rowOf()]), 'table', { style: { color: true } });
    expect(healthy).toBe(report(resultOf([rowOf()])));
  });
});

it('writes Markdown that GitHub renders as a table, with pipes escaped', () => {
  const rows = [
    rowOf({ by: { 'a|b': 1 }, footnotes: ['a `tick` | a pipe'] }),
    noticedRow('heartbeat=1s:3s', 'heartbeat', [2010, 2990]),
  ];
  const result = resultOf(rows, { notes: ['slow <machine>'] });
  expect(report(result, 'markdown', { wide: true })).toMatchInlineSnapshot(`
    "blackhole both ways, proven (0 segments delivered), private namespace, 20 connections a row, Linux 6.18, 12.3s, event loop at most 4.0ms late

    | MODE | LOAD | FAULT | NOTICED | BY | PREDICTED | MEDIAN | P95 | WORST | FROM-LAST-ACTIVITY | FALSE | COST | OTHERWISE |
    | --- | --- | --- | ---: | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |
    | none [1] | idle | blackhole | 0/20 | a\\|b | never | - | - | - | - | 0/20 | 3600/h | stays for ever |
    | heartbeat=1s:3s | idle | blackhole | 20/20 | heartbeat | 2.00-3.00s | 2.50s | 2.99s | 2.99s | 2.50-2.99s | 0/20 | 3600/h |  |

    Note: slow \\<machine>

    [1] a \\\`tick\\\` \\| a pipe

    Times from the cut. Lab-sized values, not a recommendation. Yours: tcpalive compare --modes keepalive=60s:10s:6+user-timeout=2m,heartbeat=10s:30s
    "
  `);
  expect(lines(report(resultOf(), 'markdown'))[2]).toBe(
    '| MODE | LOAD | NOTICED | PREDICTED | MEDIAN | WORST | FALSE | OTHERWISE |',
  );
});

describe('CSV', () => {
  it('is one line a row with units in the header', () => {
    const rows = [
      rowOf({
        lingering: [
          {
            count: 20,
            state: 'ESTABLISHED',
            timer: 'none',
            expiresInMs: null,
            retransmissions: 0,
            sendQueueBytes: 0,
            dies: rowOf().predicted,
          },
        ],
      }),
      noticedRow('keepalive=1s:1s:3', 'ETIMEDOUT', [3010, 4118], {
        footnotes: ['a "quoted", note', 'another'],
      }),
    ];
    expect(report(resultOf(rows), 'csv').replaceAll('\r\n', '\n')).toMatchInlineSnapshot(`
      "mode,load,fault,observer,connections,drop_engine,drop_proven,drop_delivered_segments,drop_cut_gap_ms,predicted_kind,predicted_min_ms,predicted_max_ms,predicted_from_last_activity_min_ms,predicted_from_last_activity_max_ms,predicted_rule,waited,waited_ms,noticed,measured_min_ms,measured_median_ms,measured_p95_ms,measured_max_ms,measured_from_last_activity_min_ms,measured_from_last_activity_median_ms,measured_from_last_activity_p95_ms,measured_from_last_activity_max_ms,noticed_by,lingering,healthy_connections,false_alarms,packets_per_hour,agrees,footnotes
      none,idle,blackhole,server,20,socket-filter,true,0,0.3,never,,,,,nothing is in flight and no timer is armed,true,15000,0,,,,,,,,,,ESTABLISHED/none=20,20,0,3600,true,
      keepalive=1s:1s:3,idle,blackhole,server,20,socket-filter,true,0,0.3,interval,3000,4128,3000,4128,a rule,true,5000,20,3010,3564,4118,4118,4118,3564,4118,4118,ETIMEDOUT=20,,20,0,3600,true,"a ""quoted"", note; another"
      "
    `);
  });

  it('reads back as the same cells, whatever stands in them', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' })), (footnotes) => {
        const text = report(resultOf([rowOf({ footnotes }), rowOf()]), 'csv');
        const records = text.split('\r\n');
        expect(records).toHaveLength(4);
        expect(records[3]).toBe('');
        const cells = readRecord(records[1] ?? '');
        expect(cells).toHaveLength(readRecord(records[0] ?? '').length);
        expect(cells.at(-1)).toBe(printable(footnotes.join('; ')));
      }),
    );
  });
});

describe('JSON', () => {
  it('is the result itself', () => {
    const text = report(resultOf(), 'json');
    expect(JSON.parse(text)).toEqual(resultOf());
    expect(lines(text).slice(0, 3)).toEqual([
      '{',
      '  "schema": "tcpalive/compare/1",',
      '  "complete": true,',
    ]);
  });

  it('is the run and then its rows, line by line, as jsonl', () => {
    const [run, ...rows] = lines(report(resultOf(), 'jsonl')).map(
      (line) => JSON.parse(line) as Record<string, unknown>,
    );
    const { rows: expected, ...facts } = resultOf();
    expect(run).toEqual({ ...facts, kind: 'run' });
    expect(rows).toEqual(
      expected.map((row) => ({ schema: 'tcpalive/compare/1', kind: 'row', ...row })),
    );
  });
});

it.each(formats)('%s ends with one newline and lets no control character through', (format) => {
  const evil = '\x1b]0;owned\x07\u202e\x9b';
  const row: RowResult = rowOf({ footnotes: [evil], by: { [evil]: 20 } });
  for (const wide of [false, true]) {
    const text = report(resultOf([row], { notes: [evil] }), format, { wide });
    expect(text).toMatch(/[^\r\n]\r?\n$/);
    expect(text.replace(/\r?\n/g, '')).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
  }
});

/** One RFC 4180 record, read by its grammar. */
function readRecord(record: string): readonly string[] {
  const cells = [...record.matchAll(/(?:^|,)(?:"((?:[^"]|"")*)"|([^",]*))/g)];
  return cells.map(([, quoted, bare]) => quoted?.replaceAll('""', '"') ?? bare ?? '');
}
