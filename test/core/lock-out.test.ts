import { describe, expect, it } from 'vitest';
import { lockOut } from '../../src/core/lock-out.js';
import { parseMode } from '../../src/core/mode.js';
import { sysctlDefaults } from '../../src/core/sysctl.js';

const host = { sysctls: sysctlDefaults, hz: 250 };

describe('what locks everybody out', () => {
  it('is more that vanish a second than places, over the time that each keeps its own', () => {
    expect(lockOut(parseMode('idle-timeout=3s'), 300, host)).toMatchObject({ keptMs: 3000 });
    const { keptMs, perSecond } = lockOut(parseMode('keepalive=60s:10s:6'), 1000, host);
    expect(keptMs).toBeGreaterThanOrEqual(120_000);
    expect(perSecond * (keptMs ?? 0)).toBeCloseTo(1000 * 1000);
  });

  it('is any number of them where nothing notices', () => {
    const never = { keptMs: null, perSecond: 0 };
    expect(lockOut({}, 300, host)).toEqual(never);
    expect(lockOut(parseMode('user-timeout=3s'), 300, host)).toEqual(never);
  });
});
