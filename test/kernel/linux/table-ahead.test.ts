import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { platform } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KernelRefusal } from '../../../src/kernel/kernel.js';
import { loadLibc } from '../../../src/kernel/linux/libc.js';
import { LinuxKernel } from '../../../src/kernel/linux/linux-kernel.js';
import { keptTable } from '../../../src/kernel/linux/socket-table.js';
import { readTableAhead } from '../../../src/kernel/linux/table-ahead.js';
import type { SocketTable } from '../../../src/kernel/socket-view.js';
import { openDescriptors } from '../../real-kernel.js';

/** So many that it pays, as far as anybody knows. */
const MANY = { ipv4: 2500, ipv6: 2500 };

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
  return new Set(
    cookiesWhere(kernel.tcpSockets('kept'), ({ local, peer }) =>
      [local.port, peer.port].includes(port),
    ),
  );
}

type Socket = SocketTable['sockets'] extends Iterable<infer Each> ? Each : never;

function cookiesWhere(
  { sockets }: SocketTable,
  isMeant: (socket: Socket) => boolean,
): readonly string[] {
  return [...sockets].flatMap((socket) =>
    isMeant(socket) && socket.cookie !== null ? [socket.cookie] : [],
  );
}

describe.skipIf(platform() !== 'linux')('the table that is read ahead', () => {
  it('has what the one that is read now has, in the same order', async () => {
    const libc = requireLibc();
    // More than the first room holds, of each family.
    const ours = new Set([
      ...(await connections('127.0.0.1', 60)),
      ...(await connections('::1', 60)),
    ]);
    expect(ours.size).toBe(2 * (60 + 60 + 1));
    const before = openDescriptors();
    const ahead = await readTableAhead(libc, MANY);
    if (ahead === undefined) throw new Error('nothing was read');
    expect(openDescriptors()).toBe(before);
    const isOurs = ({ cookie }: Socket) => cookie !== null && ours.has(cookie);
    expect(cookiesWhere(ahead, isOurs)).toEqual(cookiesWhere(keptTable(libc), isOurs));
    expect(ahead.idle).toBeGreaterThanOrEqual(2 * (60 + 60));
    expect(ahead.torn).toBe(false);
  });

  it('takes as many turns as it needs where there are more than were counted', async () => {
    const libc = requireLibc();
    const ours = await connections('127.0.0.1', 250);
    let turns = 0;
    const counting: typeof libc = {
      ...libc,
      receiveMany: (...args) => {
        turns++;
        return libc.receiveMany(...args);
      },
    };
    const ahead = await readTableAhead(counting, { ipv4: 0, ipv6: 5000 });
    if (ahead === undefined) throw new Error('nothing was read');
    const isOurs = ({ cookie }: Socket) => cookie !== null && ours.has(cookie);
    expect(cookiesWhere(ahead, isOurs)).toEqual(cookiesWhere(keptTable(libc), isOurs));
    expect(turns).toBeGreaterThan(2);
  });

  it('is not begun for few sockets', () => {
    expect(readTableAhead(requireLibc(), { ipv4: 4998, ipv6: 1 })).toBe(undefined);
  });

  it('is none where the kernel tells nothing, and leaves no descriptor behind', async () => {
    const before = openDescriptors();
    const mute = { ...requireLibc(), receiveMany: () => Promise.resolve(0) };
    expect(await readTableAhead(mute, MANY)).toBe(undefined);
    expect(openDescriptors()).toBe(before);
  });

  it('is none where the kernel has no sock_diag', async () => {
    const refusing: ReturnType<typeof requireLibc> = {
      ...requireLibc(),
      socket: () => {
        throw new KernelRefusal('socket', 93);
      },
    };
    expect(await readTableAhead(refusing, MANY)).toBe(undefined);
  });

  it('is told once, with who holds which socket, and both are then read anew', async () => {
    const libc = requireLibc();
    const empty: SocketTable = { sockets: [], torn: false, idle: 0 };
    const kernel = await LinuxKernel.withTable(libc, Promise.resolve(empty));
    const ours = await connections('127.0.0.1', 1);
    const isOurs = ({ cookie }: Socket) => cookie !== null && ours.has(cookie);
    expect(cookiesWhere(kernel.tcpSockets(), isOurs)).toEqual([]);
    expect(cookiesWhere(kernel.tcpSockets(), isOurs)).toHaveLength(ours.size);
    const inodes = () => new Set(kernel.heldSockets().numbers.filter((_, at) => at % 3 === 2));
    const [first, second] = [inodes(), inodes()];
    const held = [...kernel.tcpSockets().sockets].filter(isOurs).map(({ inode }) => inode);
    expect(held.some((inode) => first.has(inode))).toBe(false);
    expect(held.every((inode) => second.has(inode))).toBe(true);
  });
});
