import { describe, expect, it } from 'vitest';
import { parseMode } from '../../src/core/mode.js';
import { periodMs, tunedKeepalive } from '../../src/core/situation.js';
import { sysctlDefaults } from '../../src/core/sysctl.js';

describe('a healthy connection', () => {
  it.each([
    ['none', undefined],
    ['user-timeout=3s', undefined],
    ['heartbeat=1s:3s', 1000],
    ['idle-timeout=3s', undefined],
    ['keepalive=5s:3s:2', 5000],
    ['keepalive=1s:3s:2', 3000],
    ['keepalive=system', 7_200_000],
    ['heartbeat=10s:15s+keepalive=1s:3s:2', 3000],
    ['heartbeat=1s:3s+idle-timeout=300ms', 1000],
  ])('in mode %s is silent for at most %s ms', (mode, period) => {
    expect(periodMs({ mode: parseMode(mode) }, sysctlDefaults)).toBe(period);
  });

  it('is silent for no longer than a frame takes', () => {
    const busy = { mode: parseMode('idle-timeout=3s'), frameEveryMs: 1000 };
    expect(periodMs(busy, sysctlDefaults)).toBe(1000);
  });
});

it("keepalive=system takes the host's own times", () => {
  const sysctls = { ...sysctlDefaults, tcp_keepalive_time: 5, tcp_keepalive_intvl: 3 };
  expect(tunedKeepalive({ keepalive: 'system' }, sysctls)).toEqual({
    idleSeconds: 5,
    intervalSeconds: 3,
    count: 9,
  });
  expect(tunedKeepalive({}, sysctls)).toBeUndefined();
});
