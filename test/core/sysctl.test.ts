import { describe, expect, it } from 'vitest';
import { parseSysctl, sysctlDefaults, sysctlsFrom, withSettings } from '../../src/core/sysctl.js';
import { refusalOf } from '../refusal.js';

describe('what a kernel tells', () => {
  it('is taken over', () => {
    expect(sysctlsFrom(new Map([['tcp_retries2', '8']])).tcp_retries2).toBe(8);
  });

  it('tells by what is absent which kernel it is', () => {
    const before65 = sysctlsFrom(new Map([['tcp_retries2', '15']]));
    expect(before65.tcp_syn_linear_timeouts).toBe(0);
    expect(before65.tcp_rto_max_ms).toBe(120_000);
  });

  it('where nothing is told is what Linux starts with', () => {
    expect(sysctlsFrom(new Map())).toBe(sysctlDefaults);
  });
});

describe('parseSysctl', () => {
  it('reads a name with its prefix and without', () => {
    expect(parseSysctl('tcp_retries2=5')).toEqual({ name: 'tcp_retries2', value: 5 });
    expect(parseSysctl('net.ipv4.tcp_retries2=5')).toEqual({ name: 'tcp_retries2', value: 5 });
  });

  it.each([
    ['tcp_mem=5', "'tcp_mem=5' is not NAME=NUMBER with one of tcp_keepalive_time,"],
    ['tcp_retries2', "'tcp_retries2' is not NAME=NUMBER"],
    ['tcp_retries2=-1', "'tcp_retries2=-1' is not NAME=NUMBER"],
    ['tcp_rto_max_ms=10', "'tcp_rto_max_ms=10': tcp_rto_max_ms takes 1000 to 120000"],
    ['toString=1', "'toString=1' is not NAME=NUMBER"],
  ])('refuses %s', (text, message) => {
    expect(refusalOf(() => parseSysctl(text)).message).toContain(message);
  });

  it('changes what it names and nothing else', () => {
    const changed = withSettings(sysctlDefaults, [{ name: 'tcp_retries2', value: 3 }]);
    expect(changed).toEqual({ ...sysctlDefaults, tcp_retries2: 3 });
  });
});
