import { describe, expect, it } from 'vitest';
import { portableKernel } from '../../src/kernel/portable.js';
import { refusalOf } from '../refusal.js';

describe('the portable kernel', () => {
  it('has no capability', () => {
    expect(Object.values(portableKernel.capabilities)).not.toContain(true);
  });

  it.each([
    ['keepalive times', () => portableKernel.setKeepalive(3, 'system')],
    ['a user timeout', () => portableKernel.setUserTimeout(3, 1000)],
    ['a silent drop', () => portableKernel.cut(3, 'min-ttl')],
    ['a silent drop', () => portableKernel.heal(3, 'min-ttl')],
    ['a descriptor limit', () => portableKernel.limitDescriptors(64)],
  ])('refuses %s, saying what it needs and what works instead (%#)', (what, attempt) => {
    const refusal = refusalOf(attempt);
    expect(refusal.code).toBe('NO_CAPABILITY');
    expect(refusal.exitCode).toBe(3);
    expect(refusal.message).toBe(`${what} cannot be had here: it needs Linux and koffi`);
    expect(refusal.hint).toMatch(/^heartbeat and idle-timeout work everywhere/);
  });

  it('shows what it cannot see as nothing, not as a zero that was measured', () => {
    const endpoint = { address: '127.0.0.1', port: 1 };
    expect(portableKernel.tcpInfo(3)).toBeUndefined();
    expect(portableKernel.socketDiag(endpoint, endpoint)).toBeUndefined();
    expect(portableKernel.openDescriptors(process.pid)).toBeUndefined();
    expect(portableKernel.duplicate(0)).toBeUndefined();
    expect(portableKernel.ticksPerSecond()).toBeUndefined();
    expect(portableKernel.tcpSysctls().size).toBe(0);
    expect(portableKernel.setSysctl('tcp_retries2', '8')).toBe(false);
  });
});
