/** A service's configuration as tests have it: whatever is not said is plain, short and without a surprise. */
import { parseCheckTarget } from '../../../src/core/guard/check-target.js';
import type { CheckConfig, ServiceConfig } from '../../../src/core/guard/service-config.js';

export function service(config: Partial<ServiceConfig> = {}): ServiceConfig {
  return {
    name: 'web',
    command: ['web'],
    folder: undefined,
    variables: {},
    checks: [],
    ca: undefined,
    aliveBy: [],
    timeoutMs: 3000,
    startTimeoutMs: 10_000,
    stopTimeoutMs: 5000,
    onDead: 'restart',
    onExit: 'on-failure',
    restarts: { most: 3, withinMs: 60_000 },
    backOff: { firstMs: 1000, mostMs: 8000 },
    onGiveUp: 'exit',
    restartUrls: [],
    restartCommand: undefined,
    beforeKill: undefined,
    output: 'inherit',
    ...config,
  };
}

export const CHECK = 'tcp://127.0.0.1:7777';

export function check(config: Partial<CheckConfig> = {}): CheckConfig {
  const text = config.text ?? CHECK;
  return {
    text,
    target: parseCheckTarget(text),
    protocol: undefined,
    fresh: false,
    healthy: [],
    unhealthy: [],
    intervalMs: 1000,
    answerTimeoutMs: 1000,
    ...config,
  };
}
