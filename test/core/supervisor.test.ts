import { describe, expect, it } from 'vitest';
import { supervisedBy, withoutOwnWatchdogPid, type Supervised } from '../../src/core/supervisor.js';

const NOTIFY_SOCKET = '/run/systemd/notify';

describe('a supervisor', () => {
  it.each<[Readonly<Record<string, string>>, Supervised | undefined]>([
    [{}, undefined],
    [{ WATCHDOG_USEC: '3000000' }, undefined],
    [{ NOTIFY_SOCKET: '' }, undefined],
    [{ NOTIFY_SOCKET: '@' }, undefined],
    [{ NOTIFY_SOCKET: 'vsock:2:1234' }, undefined],
    [{ NOTIFY_SOCKET: '@guard' }, { address: '@guard', watchdogMs: undefined }],
    [
      { NOTIFY_SOCKET, WATCHDOG_USEC: '3000000' },
      { address: NOTIFY_SOCKET, watchdogMs: 3000 },
    ],
    [
      { NOTIFY_SOCKET, WATCHDOG_USEC: '500', WATCHDOG_PID: '200' },
      { address: NOTIFY_SOCKET, watchdogMs: 0.5 },
    ],
    [
      { NOTIFY_SOCKET, WATCHDOG_USEC: '3000000', WATCHDOG_PID: '201' },
      { address: NOTIFY_SOCKET, watchdogMs: undefined },
    ],
    [
      { NOTIFY_SOCKET, WATCHDOG_USEC: '0' },
      { address: NOTIFY_SOCKET, watchdogMs: undefined },
    ],
    [
      { NOTIFY_SOCKET, WATCHDOG_USEC: '1e6' },
      { address: NOTIFY_SOCKET, watchdogMs: undefined },
    ],
  ])('%j', (variables, supervised) => {
    expect(supervisedBy(variables, 200)).toEqual(supervised);
  });

  it('that asks this process asks its successor, and one that asks another asks neither', () => {
    const asked = { NOTIFY_SOCKET, WATCHDOG_USEC: '3000000', WATCHDOG_PID: '200' };
    const watchdogOf = (pid: number) =>
      supervisedBy(withoutOwnWatchdogPid(asked, pid), 300)?.watchdogMs;
    expect(watchdogOf(200)).toBe(3000);
    expect(watchdogOf(199)).toBeUndefined();
  });
});
