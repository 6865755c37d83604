import { describe, expect, it } from 'vitest';
import { formatMode, parseMode } from '../../src/core/mode.js';
import { forecastStacks, middleboxes, stacks } from '../../src/core/stacks.js';
import { sysctlDefaults } from '../../src/core/sysctl.js';

const host = {
  kernel: '6.18.44',
  node: '20.20.2',
  hz: 250,
  congestionControl: null,
  sysctl: sysctlDefaults,
};

describe('untuned stacks', () => {
  it('are written in the mode grammar, each with its source', () => {
    for (const { mode, source } of stacks) {
      expect(parseMode(formatMode(parseMode(mode)))).toEqual(parseMode(mode));
      expect(source.length).toBeGreaterThan(10);
    }
    expect(new Set(stacks.map(({ name }) => name)).size).toBe(stacks.length);
  });

  it('are forgotten by every box that forgets sooner than they speak', () => {
    const { stacks: forecasts } = forecastStacks(host);
    const of = (name: string) => forecasts.find((each) => each.name === name);
    expect(of('any socket, Linux')).toMatchObject({ idle: { kind: 'never' }, quietMs: null });
    expect(of('any socket, Linux')?.forgottenBy).toHaveLength(middleboxes.length);
    expect(of('Go net, 1.23 on')?.forgottenBy).toEqual([]);
    expect(of('Redis server')?.forgottenBy).toEqual(['AWS ALB', 'Azure LB']);
    expect(of('gRPC server')?.busy).toMatchObject({ kind: 'interval' });
  });
});
