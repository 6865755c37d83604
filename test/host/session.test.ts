import { describe, expect, it } from 'vitest';
import { ownSession } from '../../src/host/session.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import type { ProcessFacts } from '../../src/kernel/socket-view.js';
import { kernel } from '../real-kernel.js';

/** Each process with its parent. */
function kernelWith(parents: Readonly<Record<number, number>>): Kernel {
  return {
    ...portableKernel,
    processFacts: (pid) => {
      const parentPid = parents[pid];
      return parentPid === undefined ? undefined : ({ parentPid } as ProcessFacts);
    },
  };
}

describe('the session that a command was typed in', () => {
  it('is every process that leads to it, but not the first of all', () => {
    const { pids } = ownSession(kernelWith({ [process.pid]: 640, 640: 12, 12: 1, 1: 0 }), {});
    expect([...pids]).toEqual([process.pid, 640, 12]);
  });

  it('ends where a parent is gone, or leads back', () => {
    expect([...ownSession(kernelWith({ [process.pid]: 640 }), {}).pids]).toEqual([
      process.pid,
      640,
    ]);
    expect([...ownSession(kernelWith({ [process.pid]: 640, 640: 640 }), {}).pids]).toEqual([
      process.pid,
      640,
    ]);
    expect([...ownSession(portableKernel, {}).pids]).toEqual([process.pid]);
  });

  it.skipIf(process.platform !== 'linux')('of this test has its runner in it', () => {
    expect(ownSession(kernel, {}).pids.has(process.ppid)).toBe(true);
  });

  it.each([
    ['192.0.2.7 51514 10.0.0.5 22', [{ address: '192.0.2.7', port: 51_514 }]],
    ['2001:DB8:0::7 51514 2001:db8::5 22', [{ address: '2001:db8::7', port: 51_514 }]],
    ['fe80::1%eth0 51514 fe80::2%eth0 22', [{ address: 'fe80::1', port: 51_514 }]],
    ['::ffff:192.0.2.7 51514 ::ffff:10.0.0.5 22', [{ address: '192.0.2.7', port: 51_514 }]],
    ['', []],
    ['UNKNOWN 65535 UNKNOWN 65535', []],
    ['192.0.2.7', []],
  ])('SSH_CONNECTION=%j', (value, peers) => {
    expect(ownSession(portableKernel, { SSH_CONNECTION: value }).peers).toEqual(peers);
  });

  it('without ssh has no peer', () => {
    expect(ownSession(portableKernel, {}).peers).toEqual([]);
  });
});
