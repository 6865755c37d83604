import { describe, expect, it } from 'vitest';
import { findTargets, targetsAgain, type TargetChoice } from '../../src/host/targets.js';
import type { HostSocket } from '../../src/core/socket.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { refusalOf } from '../refusal.js';
import { dying, tableOf } from './fake-table.js';

interface FakeProcess {
  readonly parentPid?: number;
  readonly unit?: string;
  readonly startedAtTicks?: number;
  readonly isKernelThread?: boolean;
  /** Inodes; undefined: not ours to look at. */
  readonly sockets?: readonly number[] | undefined;
}

function hostWith(
  processes: Readonly<Record<number, FakeProcess>>,
  sockets: readonly HostSocket[] = [],
): Kernel {
  return {
    ...portableKernel,
    processIds: () => Object.keys(processes).map(Number),
    processFacts(pid) {
      const facts = processes[pid];
      if (facts === undefined) return undefined;
      const { parentPid = 1, unit = '', startedAtTicks = 1, isKernelThread = false } = facts;
      const cgroup = `/system.slice/${unit}`;
      const name = `p${pid}`;
      return { name, parentPid, cgroup, startedAtTicks, isKernelThread, descriptorLimit: null };
    },
    eachSocket(pid, found) {
      const held = processes[pid]?.sockets;
      held?.forEach((inode, at) => found(inode, at + 3));
      return held !== undefined;
    },
    ...tableOf(sockets),
  };
}

function pids(kernel: Kernel, choice: TargetChoice, tree = false): readonly number[] {
  return findTargets(kernel, choice, tree).map(({ pid }) => pid);
}

const on = (port: number, inode: number) => ({
  ...dying,
  inode,
  local: { address: '::', port },
});

describe('findTargets', () => {
  const family = hostWith({
    1: { parentPid: 0 },
    10: {},
    11: { parentPid: 10 },
    12: { parentPid: 11 },
    20: {},
  });

  it('a process, or with all its descendants', () => {
    expect(pids(family, { kind: 'pid', pid: 10 })).toEqual([10]);
    expect(pids(family, { kind: 'pid', pid: 10 }, true)).toEqual([10, 11, 12]);
  });

  it('all of a unit, with its suffix or without', () => {
    const kernel = hostWith({
      5: { unit: 'nginx.service' },
      6: { unit: 'nginx.service' },
      7: { unit: 'redis.service' },
    });
    expect(pids(kernel, { kind: 'unit', unit: 'nginx' })).toEqual([5, 6]);
    expect(pids(kernel, { kind: 'unit', unit: 'nginx.service' })).toEqual([5, 6]);
    expect(refusalOf(() => pids(kernel, { kind: 'unit', unit: 'ngin' })).code).toBe('NO_TARGET');
  });

  it('everybody who holds a local port, several of one socket too', () => {
    const sockets = [on(443, 100), on(443, 101), on(80, 102), on(443, 0)];
    const processes = {
      5: { sockets: [100, 102] },
      6: { sockets: [100, 101] },
      7: { sockets: [102] },
    };
    expect(pids(hostWith(processes, sockets), { kind: 'port', port: 443 })).toEqual([5, 6]);
  });

  it.each([
    ['nobody uses it', 81, 'NO_TARGET', 'no TCP socket here has the local port 81'],
    [
      'nobody holds it any more',
      82,
      'NO_TARGET',
      'no process holds what is left on the local port 82',
    ],
    [
      'it is not to be seen who',
      443,
      'NO_CAPABILITY',
      'who holds the local port 443 may not be looked into by this user',
    ],
  ])('a port: %s', (_, port, code, message) => {
    const kernel = hostWith({ 5: { sockets: undefined } }, [on(443, 100), on(82, 0)]);
    expect(refusalOf(() => pids(kernel, { kind: 'port', port }))).toMatchObject({ code, message });
  });

  it('no thread of the kernel, and nobody who is not there', () => {
    const kernel = hostWith({ 2: { isKernelThread: true } });
    expect(refusalOf(() => pids(kernel, { kind: 'pid', pid: 2 })).message).toMatch(
      /^process 2 \(p2\) is a thread of the kernel/,
    );
    expect(refusalOf(() => pids(kernel, { kind: 'pid', pid: 3 })).message).toBe(
      'there is no process 3',
    );
  });
});

describe('targetsAgain', () => {
  const known = [{ pid: 10, name: 'p10', startedAtTicks: 1, unit: null }];
  const choice = { kind: 'pid', pid: 10 } as const;

  it('takes nobody for a process whose number is another one by now', () => {
    expect(targetsAgain(hostWith({ 10: {} }), known, choice, false)).toHaveLength(1);
    const reused = hostWith({ 10: { startedAtTicks: 2 } });
    expect(targetsAgain(reused, known, choice, false)).toEqual([]);
    expect(targetsAgain(hostWith({}), known, choice, false)).toEqual([]);
  });

  it('takes new descendants with a tree, also of those whose parent has ended', () => {
    const child = { pid: 11, name: 'p11', startedAtTicks: 1, unit: null };
    const later = hostWith({ 11: {}, 12: { parentPid: 11 } });
    const found = targetsAgain(later, [...known, child], choice, true);
    expect(found.map(({ pid }) => pid)).toEqual([11, 12]);
  });

  it('takes who has joined a unit since', () => {
    const kernel = hostWith({ 10: { unit: 'a.service' }, 30: { unit: 'a.service' } });
    const found = targetsAgain(kernel, known, { kind: 'unit', unit: 'a' }, false);
    expect(found.map(({ pid }) => pid)).toEqual([10, 30]);
  });
});
