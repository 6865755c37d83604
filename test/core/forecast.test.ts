import { describe, expect, it } from 'vitest';
import { forecast } from '../../src/core/forecast.js';
import { parseModes } from '../../src/core/mode.js';
import { impossible, rowsOf } from '../../src/core/row.js';
import { sysctlDefaults } from '../../src/core/sysctl.js';

const host = {
  kernel: '6.18.44',
  node: '20.20.2',
  hz: 250,
  congestionControl: null,
  sysctl: sysctlDefaults,
};

describe('a forecast', () => {
  it('tells of every row what decides, when, what it tolerates and what it costs', () => {
    const rows = rowsOf(parseModes('keepalive=60s:10s:6'), ['idle'], ['blackhole']);
    const [row] = forecast(rows, 'server', host).rows;
    expect(row).toMatchObject({
      mode: 'keepalive=60s:10s:6',
      predicted: { kind: 'interval', fromLastActivityMs: { min: 120_000 } },
      toleratedOutage: { kind: 'up-to', ms: 50_000 },
      packetsPerHour: 120,
      schedule: { what: 'probe', since: 'the last received segment' },
    });
    expect(row?.schedule?.sent.map(({ min }) => min / 1000)).toEqual([60, 70, 80, 90, 100, 110]);
  });

  it('has no schedule and tolerates any outage where nothing ever decides', () => {
    const rows = rowsOf(parseModes('none'), ['idle'], ['blackhole']);
    expect(forecast(rows, 'server', host).rows).toMatchObject([
      { predicted: { kind: 'never' }, toleratedOutage: { kind: 'any' }, schedule: null },
    ]);
  });

  it('is observed at the client where it connects', () => {
    const rows = rowsOf(parseModes('none'), ['connect'], ['blackhole']);
    expect(forecast(rows, 'server', host).rows).toMatchObject([{ observer: 'client' }]);
  });
});

it.each([
  ['heartbeat=1s:3s', 'connect', 'blackhole', /has no load connect/],
  ['idle-timeout=1s', 'connect', 'blackhole', /has no load connect/],
  ['none', 'connect', 'freeze', /has no fault freeze/],
  ['none', 'zero-window', 'freeze', /has no fault freeze/],
  ['none', 'zero-window', 'loss=5%', /has no fault loss=5%/],
] as const)('%s cannot be had under %s and %s', (mode, load, fault, reason) => {
  const [row] = rowsOf(parseModes(mode), [load], [fault]);
  expect(row && impossible(row)).toMatch(reason);
});
