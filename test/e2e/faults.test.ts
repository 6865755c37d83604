/** Every other way to break a connection, and what it does to one that lives: on the real kernel. */
import { describe, expect, it } from 'vitest';
import type { ComparisonResult, RowResult } from '../../src/core/result.js';
import { install, run } from './program.js';

async function compared(...args: readonly string[]): Promise<readonly RowResult[]> {
  const { code, stdout, stderr } = await run(['compare', '--json', ...args]);
  const { rows, loopDelayMs } = JSON.parse(stdout) as ComparisonResult;
  const otherwise = rows
    .filter(({ agrees }) => agrees === false)
    .map((row) => ({ ...row, lingering: [], loopDelayMs }));
  const error = /^error.*/m.exec(stderr)?.[0];
  expect({ code, error, otherwise }).toEqual({ code: 0, error: undefined, otherwise: [] });
  return rows;
}

const summary = (row: RowResult) =>
  [row.mode, row.load, row.fault, row.measured.noticed, row.healthy.falseAlarms].join(' ');

describe('a peer that does not read', () => {
  it('is killed by a user timeout though it lives, and by nothing else', async () => {
    const rows = await compared(
      ...['--modes', 'none,user-timeout=2s,heartbeat=500ms:1500ms', '--loads', 'zero-window'],
      ...['--limit', '4s', '--connections', '5'],
    );
    expect(rows.map(summary)).toEqual([
      'none zero-window blackhole 0 0',
      'user-timeout=2s zero-window blackhole 5 5',
      'heartbeat=500ms:1.5s zero-window blackhole 5 0',
    ]);
    expect(rows.map(({ agrees, drop }) => [agrees, drop?.proven])).toEqual(
      rows.map(() => [true, true]),
    );
    expect(rows[0]?.lingering.map(({ timer }) => timer)).toContain('zero-window');
    expect(rows[0]?.lingering.every(({ timer }) => timer === 'zero-window')).toBe(true);
  });
});

describe('connecting to nothing', () => {
  it('goes on for minutes, but for a user timeout', async () => {
    const rows = await compared(
      ...['--modes', 'none,user-timeout=2s', '--loads', 'connect', '--limit', '3s'],
      ...['--connections', '5'],
    );
    expect(rows.map(summary)).toEqual([
      'none connect blackhole 0 0',
      'user-timeout=2s connect blackhole 5 0',
    ]);
    expect(rows.map(({ agrees, observer }) => [agrees, observer])).toEqual([
      [true, 'client'],
      [true, 'client'],
    ]);
    expect(rows[0]?.lingering).toMatchObject([{ count: 5, state: 'SYN-SENT' }]);
  });
});

describe('one direction, and a relay', () => {
  it('is noticed when it was predicted, and labelled where somebody still acknowledges', async () => {
    const rows = await compared(
      ...['--modes', 'keepalive=1s:1s:1,user-timeout=1s,heartbeat=500ms:1500ms'],
      ...['--loads', 'idle,write', '--faults', 'to-peer,from-peer,relay'],
      ...['--limit', '5s', '--connections', '8'],
    );
    expect(rows.filter(({ agrees }) => agrees !== true).map(summary)).toEqual([]);
    const relayed = rows.filter(
      ({ fault, mode }) => fault === 'relay' && !mode.startsWith('heart'),
    );
    expect(relayed.map(({ measured }) => measured.noticed)).toEqual([0, 0, 0, 0]);
    for (const { footnotes } of relayed) expect(footnotes.join()).toMatch(/still acknowledges/);
    const heartbeats = rows.filter(({ mode }) => mode.startsWith('heart'));
    expect(heartbeats.every(({ measured }) => measured.noticed === 8)).toBe(true);
  });
});

describe('a connection that lives through it', () => {
  it('raises no alarm within what is tolerated, and as many as the model says beyond', async () => {
    const rows = await compared(
      ...['--modes', 'heartbeat=1s:3s,keepalive=1s:1s:3', '--loads', 'idle'],
      ...['--faults', 'outage=1450ms,outage=2100ms,pause=2500ms', '--limit', '10s'],
      ...['--connections', '100'],
    );
    // Nothing is "unknown" where the share of the phases is known: it agrees or it does not.
    expect(rows.filter(({ agrees }) => agrees !== true).map(summary)).toEqual([]);
    const share = (mode: string, fault: string) =>
      rows.find((row) => row.mode === mode && row.fault === fault)?.alarms?.measured.value;
    expect(share('heartbeat=1s:3s', 'outage=1.45s')).toBe(0);
    expect(share('heartbeat=1s:3s', 'outage=2.1s')).toBeGreaterThan(0.2);
    expect(share('heartbeat=1s:3s', 'outage=2.1s')).toBeLessThan(0.7);
    expect(share('heartbeat=1s:3s', 'pause=2.5s')).toBeGreaterThan(0.3);
    expect(share('keepalive=1s:1s:3', 'outage=1.45s')).toBe(0);
    expect(share('keepalive=1s:1s:3', 'pause=2.5s')).toBe(0);
  });

  it('loses what it is said to lose', async () => {
    const rows = await compared(
      ...['--modes', 'heartbeat=200ms:5s', '--loads', 'idle', '--faults', 'loss=5%,loss=100%'],
      ...['--limit', '7s', '--connections', '10'],
    );
    expect(rows.map(({ drop }) => drop?.proven)).toEqual([true, true]);
    expect(rows.map(({ alarms }) => alarms?.measured.value)).toEqual([0, 1]);
  });
});

describe('another kernel setting', () => {
  it('is measured with, in the private namespace', async () => {
    const rows = await compared(
      ...['--modes', 'none,rto-max=1s', '--loads', 'write', '--sysctl', 'net.ipv4.tcp_retries2=3'],
      ...['--limit', '10s', '--connections', '5'],
    );
    expect(rows.map(summary)).toEqual([
      'none write blackhole 5 0',
      'rto-max=1s write blackhole 5 0',
    ]);
    expect(rows.map(({ agrees }) => agrees)).toEqual([true, true]);
  });

  it('is refused where there is none: nothing on the host changes', async () => {
    const { code, stdout, stderr } = await run([
      'compare',
      '--on-host',
      '--sysctl',
      'tcp_retries2=3',
    ]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
    expect(stderr).toMatch(/--sysctl tcp_retries2=3: --on-host changes nothing on the host/);
  });
});

describe('--predict-only', () => {
  it('works where no capability at all is present, and starts nothing', async () => {
    const args = ['compare', '--predict-only', '--modes', 'keepalive=2h:75s:9,user-timeout=30s'];
    const { code, stdout, stderr } = await run(
      [...args, '--loads', 'idle,write,zero-window,connect', '--faults', 'blackhole'],
      { bin: install({ koffi: false }), as: 'nobody', variables: { PATH: '/nonexistent' } },
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/user-timeout=30s +write +30\.40-3\d\.\d+s +26\.11s/);
    expect(stdout).toMatch(/Predicted, not measured/);
  });
});
