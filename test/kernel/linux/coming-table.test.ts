import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { platform } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { everySocket } from '../../../src/core/idle-sockets.js';
import type { HostSocket } from '../../../src/core/socket.js';
import type { Endpoint } from '../../../src/core/endpoint.js';
import { KernelRefusal } from '../../../src/kernel/kernel.js';
import { loadLibc } from '../../../src/kernel/linux/libc.js';
import { LinuxKernel } from '../../../src/kernel/linux/linux-kernel.js';
import { beginTable } from '../../../src/kernel/linux/coming-table.js';
import { keptTable } from '../../../src/kernel/linux/socket-table.js';
import type { ComingTable } from '../../../src/kernel/socket-view.js';
import { openDescriptors } from '../../real-kernel.js';
import { tableOf } from '../../host/fake-table.js';

function requireLibc() {
  const libc = loadLibc();
  if (libc === undefined) throw new Error('no koffi');
  return libc;
}

/** Both ends of so many connections to `host`: the kernel's own names for them. */
async function connections(host: string, count: number): Promise<ReadonlySet<string>> {
  const kernel = new LinuxKernel(requireLibc());
  const server = createServer().listen(0, host);
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  for (let opened = 0; opened < count; opened++) {
    const client = connect(port, host);
    onTestFinished(() => void client.destroy());
    const [[accepted]] = await Promise.all([
      once(server, 'connection') as Promise<[{ destroy(): void }]>,
      once(client, 'connect'),
    ]);
    onTestFinished(() => accepted.destroy());
  }
  // At another address the same port may be anybody's.
  const isHere = ({ address, port: its }: Endpoint) => address === host && its === port;
  return new Set(
    cookiesWhere(
      everySocket(kernel.tcpSockets()),
      ({ local, peer }) => isHere(local) || isHere(peer),
    ),
  );
}

function cookiesWhere(
  sockets: Iterable<HostSocket>,
  isMeant: (socket: HostSocket) => boolean,
): readonly string[] {
  return [...sockets].flatMap((socket) =>
    isMeant(socket) && socket.cookie !== null ? [socket.cookie] : [],
  );
}

async function walked(table: ComingTable) {
  const parts: HostSocket[][] = [];
  const withinMs: number[] = [];
  for await (const part of table) {
    parts.push([...everySocket(part)]);
    withinMs.push(part.withinMs);
  }
  return { parts, sockets: parts.flat(), withinMs };
}

describe.skipIf(platform() !== 'linux')('the table that comes while it is walked through', () => {
  it('has what the one that is read now has, in the same order', async () => {
    const libc = requireLibc();
    const ours = new Set([
      ...(await connections('127.0.0.1', 60)),
      ...(await connections('::1', 60)),
    ]);
    expect(ours.size).toBe(2 * (60 + 60 + 1));
    const before = openDescriptors();
    const table = beginTable(libc);
    const { sockets, withinMs } = await walked(table);
    expect(openDescriptors()).toBe(before);
    const isOurs = ({ cookie }: HostSocket) => cookie !== null && ours.has(cookie);
    expect(cookiesWhere(sockets, isOurs)).toEqual(
      cookiesWhere(everySocket(keptTable(libc)), isOurs),
    );
    expect(table.torn).toBe(false);
    expect(withinMs.every((ms) => ms > 0)).toBe(true);
  });

  it('comes in parts, and each is whole while it is walked through', async () => {
    const libc = requireLibc();
    const ours = await connections('127.0.0.1', 250);
    // Of two messages at a time.
    const slow = {
      ...libc,
      receiveMany: (fd: number, headers: Buffer) => libc.receiveMany(fd, headers, 2),
    };
    const { parts, sockets, withinMs } = await walked(beginTable(slow));
    expect(parts.length).toBeGreaterThan(2);
    expect(withinMs.toSorted((a, b) => a - b)).toEqual(withinMs);
    const isOurs = ({ cookie }: HostSocket) => cookie !== null && ours.has(cookie);
    expect(cookiesWhere(sockets, isOurs)).toEqual(
      cookiesWhere(everySocket(keptTable(libc)), isOurs),
    );
  });

  it('comes one message at a time where no thread can receive it', async () => {
    const libc = requireLibc();
    const ours = await connections('127.0.0.1', 100);
    const { sockets } = await walked(
      beginTable({ ...libc, receiveMany: () => Promise.resolve(0) }),
    );
    const isOurs = ({ cookie }: HostSocket) => cookie !== null && ours.has(cookie);
    expect(cookiesWhere(sockets, isOurs)).toEqual(
      cookiesWhere(everySocket(keptTable(libc)), isOurs),
    );
  });

  it('says why it does not come, and leaves no descriptor behind', async () => {
    const before = openDescriptors();
    const mute = (errno: number): typeof libc => ({
      ...libc,
      receiveMany: () => Promise.resolve(0),
      receive: () => {
        throw new KernelRefusal('recv', errno);
      },
    });
    const libc = requireLibc();
    await expect(walked(beginTable(mute(EPERM)))).rejects.toMatchObject({ errno: EPERM });
    const sending = () => {
      throw new KernelRefusal('send', EPERM);
    };
    expect(() => beginTable({ ...libc, send: sending })).toThrow(KernelRefusal);
    expect(openDescriptors()).toBe(before);
  });

  it('leaves no descriptor behind where only its first part is walked through', async () => {
    const before = openDescriptors();
    const libc = requireLibc();
    await connections('127.0.0.1', 100);
    const held = openDescriptors();
    const slow = {
      ...libc,
      receiveMany: (fd: number, headers: Buffer) => libc.receiveMany(fd, headers, 1),
    };
    for await (const part of beginTable(slow)) {
      expect([...everySocket(part)].length).toBeGreaterThan(0);
      break;
    }
    expect(openDescriptors()).toBe(held);
    expect(before).toBeLessThan(held ?? 0);
  });

  it('is the next of the kernel that was opened with it, and the one after is read anew', async () => {
    const libc = requireLibc();
    const kernel = new LinuxKernel(libc, tableOf([]).comingTcpSockets());
    const ours = await connections('127.0.0.1', 1);
    const isOurs = ({ cookie }: HostSocket) => cookie !== null && ours.has(cookie);
    const next = async () =>
      cookiesWhere((await walked(kernel.comingTcpSockets())).sockets, isOurs);
    expect(await next()).toEqual([]);
    expect(await next()).toHaveLength(ours.size);
  });
});

const EPERM = 1;
