import { describe, expect, it } from 'vitest';
import type { Fault, Load } from '../../src/core/condition.js';
import { parseMode } from '../../src/core/mode.js';
import type { DropResult } from '../../src/core/result.js';
import { planRow } from '../../src/core/row.js';
import { sysctlDefaults } from '../../src/core/sysctl.js';
import { judgeRow, type Notice, type RowOutcome } from '../../src/core/verdict.js';

const HZ = 250;
const proven: DropResult = {
  engine: 'socket-filter',
  proven: true,
  deliveredSegments: 0,
  cutGapMs: 0.3,
};

function outcome(
  mode: string,
  {
    fault = 'blackhole',
    load = 'idle',
    ...rest
  }: { fault?: Fault; load?: Load } & Partial<RowOutcome>,
): RowOutcome {
  const plan = planRow(
    { mode: parseMode(mode), load, fault, waited: true },
    { observer: 'server', limitMs: 15_000, sysctls: sysctlDefaults, hz: HZ },
  );
  return {
    plan,
    connections: 2,
    drop: proven,
    waitedMs: plan.waitMs,
    notices: [],
    evidence: [],
    healthy: { connections: 2, falseAlarms: 0 },
    packetsPerHour: null,
    footnotes: [],
    ...rest,
  };
}

const at = (fromDropMs: number, fromLastActivityMs = 3000): Notice => ({
  fromDropMs,
  fromLastActivityMs,
  by: 'heartbeat',
});

const agrees = (mode: string, seen: Parameters<typeof outcome>[1]) =>
  judgeRow(outcome(mode, seen), HZ).agrees;

describe('a row with a finite prediction', () => {
  it('agrees when every connection was noticed inside it, measuring allowed for', () => {
    expect(agrees('heartbeat=1s:3s', { notices: [at(2000), at(3049, 3049)] })).toBe(true);
    expect(agrees('heartbeat=1s:3s', { notices: [at(2000), at(3051, 3051)] })).toBe(false);
    // The span of the phases, the beats up to 50 ms late.
    const { predicted } = outcome('heartbeat=1s:3s', {}).plan;
    const earliest = predicted.kind === 'interval' ? predicted.fromDropMs.min : NaN;
    expect(agrees('heartbeat=1s:3s', { notices: [at(earliest - 50), at(2500)] })).toBe(true);
    expect(agrees('heartbeat=1s:3s', { notices: [at(earliest - 51), at(2500)] })).toBe(false);
  });

  it('does not agree when one was not noticed in all that time', () => {
    expect(agrees('heartbeat=1s:3s', { notices: [at(2500)] })).toBe(false);
  });

  it('says nothing when it was not watched to its end, but for a timer that came a little early', () => {
    expect(agrees('none', { load: 'write', waitedMs: 14_999.2 })).toBe(true);
    expect(agrees('none', { load: 'write', waitedMs: 9000 })).toBeNull();
    expect(agrees('heartbeat=1s:3s', { waitedMs: 1000 })).toBeNull();
    expect(agrees('heartbeat=1s:3s', { waitedMs: 0 })).toBeNull();
  });
});

describe('a row where nothing ever notices', () => {
  it('agrees while nothing does, and was watched', () => {
    expect(agrees('none', {})).toBe(true);
    expect(agrees('none', { waitedMs: 1 })).toBeNull();
    expect(agrees('none', { notices: [at(100)], waitedMs: 200 })).toBe(false);
  });
});

describe('a drop that is not proven', () => {
  it('proves nothing', () => {
    expect(agrees('none', { drop: { ...proven, proven: false } })).toBeNull();
  });
});

describe('a connection that lives through it', () => {
  const half = { fault: 'pause=2.5s', connections: 100 } as const;
  const notices = (count: number) => Array.from({ length: count }, () => at(2300));

  it('agrees when the share that alarmed is the share that was predicted', () => {
    expect(agrees('heartbeat=1s:3s', { ...half, notices: notices(47) })).toBe(true);
    expect(agrees('heartbeat=1s:3s', { ...half, notices: notices(80) })).toBe(false);
  });

  it('says nothing before the last alarm could have come', () => {
    expect(agrees('heartbeat=1s:3s', { ...half, notices: [], waitedMs: 2000 })).toBeNull();
  });

  it('counts the alarms, with their bounds', () => {
    const { alarms } = judgeRow(outcome('heartbeat=1s:3s', { ...half, notices: notices(50) }), HZ);
    expect(alarms).toMatchObject({ measured: { value: 0.5 }, predicted: { min: 0.5, max: 0.5 } });
    expect(judgeRow(outcome('none', {}), HZ).alarms).toBeNull();
  });
});

describe('the check of the method itself', () => {
  it('labels a keepalive row through what still acknowledges, and no heartbeat row', () => {
    const notes = (mode: string, fault: Fault) =>
      judgeRow(outcome(mode, { fault, drop: null }), HZ).footnotes.join();
    expect(notes('keepalive=1s:1s:3', 'relay')).toMatch(/relay still acknowledges/);
    expect(notes('user-timeout=3s', 'freeze')).toMatch(/freeze still acknowledges/);
    expect(notes('heartbeat=1s:3s', 'relay')).toBe('');
    expect(notes('keepalive=1s:1s:3', 'blackhole')).toBe('');
  });
});
