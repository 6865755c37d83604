import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Load } from '../../src/core/condition.js';
import { parseMode } from '../../src/core/mode.js';
import { sysctlDefaults } from '../../src/core/sysctl.js';
import { alarmShare, packetsPerHour, toleratedOutageMs } from '../../src/core/tolerance.js';

const healthy = (mode: string, load: Load = 'idle') => ({
  mode: parseMode(mode),
  load,
  observer: 'server' as const,
  sysctls: sysctlDefaults,
  hz: 250,
});

const tolerated = (mode: string, load?: Load) => toleratedOutageMs(healthy(mode, load)) / 1000;

describe('the longest outage that raises no alarm at any phase', () => {
  it.each<[string, Load, number]>([
    ['none', 'idle', Infinity],
    ['keepalive=60s:10s:6', 'idle', 50],
    ['keepalive=1s:1s:3', 'idle', 2],
    ['user-timeout=3s', 'idle', Infinity],
    // Measured: 1.5 s 0 alarms of 100, 2.0 s 32, 2.9 s 100.
    ['heartbeat=1s:3s', 'idle', 1.628],
    // The last retransmission before the end, from the write.
    ['user-timeout=5s', 'write', 3.26],
    ['user-timeout=10s', 'write', 6.524],
    ['user-timeout=20s', 'write', 13.052],
    ['user-timeout=30s', 'write', 26.108],
    ['user-timeout=60s', 'write', 52.22],
    ['idle-timeout=3s', 'idle', 0],
    ['keepalive=1s:1s:3+heartbeat=1s:3s', 'idle', 1.628],
  ])('%s under %s: %d s', (mode, load, seconds) => {
    expect(tolerated(mode, load)).toBe(seconds);
  });

  it('is never longer for a shorter timeout', () => {
    const timeout = fc.integer({ min: 1001, max: 60_000 });
    fc.assert(
      fc.property(timeout, timeout, (a, b) => {
        const [short, long] = [Math.min(a, b), Math.max(a, b)];
        const of = (timeoutMs: number) =>
          toleratedOutageMs({
            ...healthy('none'),
            mode: { heartbeat: { intervalMs: 1000, timeoutMs } },
          });
        expect(of(short)).toBeLessThanOrEqual(of(long));
      }),
    );
  });
});

describe('the share of phases that alarm', () => {
  const share = (mode: string, seconds: number, load?: Load) =>
    alarmShare(healthy(mode, load), seconds * 1000);

  it('is none up to what is tolerated, and all of them when nothing comes back in time', () => {
    expect(share('heartbeat=1s:3s', 1.5)).toEqual({ min: 0, max: 0 });
    expect(share('heartbeat=1s:3s', 2.9)).toEqual({ min: 1, max: 1 });
    expect(share('keepalive=1s:1s:3', 2).max).toBe(0);
    expect(share('keepalive=1s:1s:3', 3.2).min).toBe(1);
  });

  it('lies around what was measured in between', () => {
    // Measured: 32 of 100 at 2.0 s.
    const { min, max } = share('heartbeat=1s:3s', 2);
    expect(min).toBeLessThanOrEqual(0.32);
    expect(max).toBeGreaterThanOrEqual(0.32);
  });

  it('is all or nothing for a write', () => {
    expect(share('user-timeout=20s', 12, 'write')).toEqual({ min: 0, max: 0 });
    expect(share('user-timeout=20s', 14, 'write')).toEqual({ min: 1, max: 1 });
  });

  it('grows with the outage', () => {
    const seconds = fc.double({ min: 0, max: 5, noNaN: true });
    fc.assert(
      fc.property(seconds, seconds, (a, b) => {
        const [short, long] = [Math.min(a, b), Math.max(a, b)];
        expect(share('heartbeat=1s:3s', short).min).toBeLessThanOrEqual(
          share('heartbeat=1s:3s', long).min,
        );
      }),
      { numRuns: 50 },
    );
  });
});

describe('packets an hour while nothing happens', () => {
  it.each([
    ['none', 0],
    ['user-timeout=3s', 0],
    ['keepalive=60s:10s:6', 120],
    ['keepalive=1s:3s:3', 2400],
    ['heartbeat=1s:3s', 10_800],
    // Beats keep the idle time from ever being over.
    ['heartbeat=1s:3s+keepalive=60s:10s:6', 10_800],
  ])('%s: %d', (mode, packets) => {
    expect(packetsPerHour(healthy(mode))).toBe(packets);
  });
});
