import { describe, expect, it } from 'vitest';
import type { HostSocket } from '../../src/core/socket.js';
import type { Holding } from '../../src/core/survey.js';
import { Holders } from '../../src/host/holders.js';
import { KernelRefusal, type Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';

const MANY = 10_001;
const EPERM = 1;

/** One process holds as many sockets, with inodes from 1 on; none of them may be borrowed. */
function kernelWith(held: number): Kernel {
  const numbers = Uint32Array.from(
    Array.from({ length: held }, (_, at) => [7, at + 3, at + 1]).flat(),
  );
  return {
    ...portableKernel,
    heldSockets: () => ({ numbers, hidden: 0 }),
    processFacts: () => ({
      name: 'holder',
      parentPid: 1,
      isKernelThread: false,
      startedAtTicks: 0,
      cgroup: '/',
      descriptorLimit: 20_000,
    }),
    openDescriptors: () => held + 3,
    withProcess: () => {
      throw new KernelRefusal('pidfd_open', EPERM);
    },
  };
}

function idleSocket(inode: number): HostSocket {
  return {
    local: { address: '127.0.0.1', port: 7 },
    peer: { address: '127.0.0.1', port: 8 },
    state: 'ESTABLISHED',
    timer: { kind: 'none', expiresInMs: null },
    retransmissions: 0,
    sendQueueBytes: 0,
    receiveQueueBytes: 0,
    inode,
    userId: 0,
    cookie: 'c',
    interfaceIndex: 0,
    info: null,
  };
}

/** As many idle sockets, with the first inodes, that come in parts. */
function look(holders: Holders, ...parts: readonly number[]) {
  const found: Holding[] = [];
  let inode = 1;
  const atOnce = parts.map((count) => {
    holders.expect(count);
    for (const end = inode + count; inode < end; inode++) {
      holders.lookUp(idleSocket(inode), 'net:[1]', (_, holding) => found.push(holding));
    }
    return found.length;
  });
  holders.finish();
  return { atOnce, found };
}

describe('the options of idle connections', () => {
  it.each([
    ['at once', [MANY], [MANY]],
    ['as they come', [MANY - 1, 1], [0, MANY]],
  ])('are left out where there are too many, and that is said: %s', (_, parts, told) => {
    const holders = new Holders(kernelWith(MANY), false);
    const { atOnce, found } = look(holders, ...parts);
    expect(atOnce).toEqual(told);
    expect(found).toHaveLength(MANY);
    expect(found[4]).toMatchObject({
      process: { pid: 7, name: 'holder', fd: 7 },
      unread: 'too many idle connections: --options reads them',
    });
    expect(new Set(found.map(({ unread }) => unread))).toHaveProperty('size', 1);
    expect(holders.notes()).toHaveLength(1);
    expect(holders.processes()).toMatchObject([{ pid: 7, fds: MANY + 3, fdLimit: 20_000 }]);
  });

  it.each([
    ['there are few', MANY, MANY - 1, false],
    ['few of the many have a known owner', 10, MANY, false],
    ['all are wanted', MANY, MANY, true],
  ])('are read where %s', (_, held, count, everyOption) => {
    const holders = new Holders(kernelWith(held), everyOption);
    const { atOnce, found } = look(holders, count);
    expect(atOnce).toEqual([Math.max(0, count - held)]);
    expect(found).toHaveLength(count);
    expect(found.at(-1)).toMatchObject({
      process: { pid: 7 },
      unread: 'its process may not be traced by this user: root can',
    });
    expect(holders.notes()).toEqual([]);
  });

  it("are nobody's where nobody holds the socket", () => {
    const { atOnce, found } = look(new Holders(kernelWith(0), false), 1);
    expect(atOnce).toEqual([1]);
    expect(found).toMatchObject([{ process: null, unread: 'no process was found that holds it' }]);
  });
});
