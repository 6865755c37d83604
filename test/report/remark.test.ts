import { describe, expect, it } from 'vitest';
import { remark } from '../../src/report/remark.js';
import {
  defaultRows,
  interval,
  never,
  noticedRow,
  notWaitedRow,
  rowOf,
} from './comparison-fixture.js';

const beyond = interval(925_000, 947_700);

describe('remark', () => {
  it.each([
    ['none that lingers idle', rowOf(), 'stays for ever', 'stays for ever'],
    [
      'none under an unanswered write',
      rowOf({ load: 'write', predicted: beyond }),
      'its write() succeeded',
      'write() worked',
    ],
    [
      'keepalive under an unanswered write',
      rowOf({ mode: 'keepalive=1s:1s:3', load: 'write', predicted: beyond }),
      'off while data is unacked',
      'off till acked',
    ],
    [
      'a user timeout with nothing in flight',
      rowOf({ mode: 'user-timeout=3s' }),
      'nothing in flight to time out',
      'nothing to ack',
    ],
    [
      'a prediction beyond the limit',
      rowOf({ mode: 'user-timeout=2m', load: 'write', predicted: interval(120_404, 128_000) }),
      'not within 15s (2m0s-2m8s predicted)',
      'not within 15s',
    ],
    [
      'a row that an interruption cut short',
      rowOf({
        mode: 'heartbeat=1s:3s',
        predicted: interval(2000, 3000),
        measured: { ...rowOf().measured, waitedMs: 1234 },
      }),
      'not within 1.2s (2.00-3.00s predicted)',
      'not within 1.2s',
    ],
    [
      'a row that an interruption left uncut',
      rowOf({ drop: null, measured: { ...rowOf().measured, waitedMs: 0 }, agrees: null }),
      'not cut yet',
      'not cut yet',
    ],
    [
      'a row that was not waited for',
      notWaitedRow('keepalive=system', interval(7_875_000, 7_978_000)),
      'not waited for',
      'not waited for',
    ],
    [
      'an idle timeout whose quiet twins were ended',
      noticedRow('idle-timeout=3s', 'idle-timeout', [2010, 2990], {
        healthy: { connections: 20, falseAlarms: 20 },
      }),
      'also ends quiet users',
      'ends quiet too',
    ],
    [
      'a frozen peer',
      rowOf({ fault: 'freeze', mode: 'keepalive=1s:1s:3', drop: null }),
      "peer's kernel still answers",
      'kernel answers',
    ],
    [
      'a frozen peer under write',
      rowOf({ fault: 'freeze', load: 'write', drop: null }),
      "peer's kernel still answers",
      'kernel answers',
    ],
    [
      'a row against its prediction, whatever else could be said',
      rowOf({ agrees: false, healthy: { connections: 20, falseAlarms: 20 } }),
      'DISAGREES with the prediction',
      'DISAGREES',
    ],
    ['a row that was noticed', noticedRow('heartbeat=1s:3s', 'heartbeat', [2010, 2990]), '', ''],
    [
      'a lingering row within its prediction',
      rowOf({ mode: 'heartbeat=1s:3s', predicted: interval(2000, 3000), agrees: null }),
      '',
      '',
    ],
  ])('of %s', (_, row, words, short) => {
    expect(remark(row)).toEqual({ words, short, alarm: row.agrees === false });
  });

  it('distinguishes never from not yet', () => {
    const heartbeat = { mode: 'heartbeat=10s:30s', measured: rowOf().measured };
    expect(remark(rowOf({ ...heartbeat, predicted: never })).words).toBe('stays for ever');
    expect(remark(rowOf({ ...heartbeat, predicted: interval(20_000, 30_000) })).words).toBe(
      'not within 15s (20.00-30.00s predicted)',
    );
  });

  it('has a wording for a table of 100 columns in every default row', () => {
    for (const row of defaultRows) expect(remark(row).short.length).toBeLessThanOrEqual(14);
  });
});
