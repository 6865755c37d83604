import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KernelRefusal } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { mayNotSignal, type Asker } from '../../src/net/asker.js';
import { kernel, lacks } from '../real-kernel.js';

type SocketSight = Parameters<typeof mayNotSignal>[0];

const sight: SocketSight = {
  capabilities: kernel.capabilities,
  socketDiag: (...address) => kernel.socketDiag(...address),
};

/** A connection of this user's, as its server has it, and its other end. */
async function connection(host: string): Promise<Asker & { readonly client: Socket }> {
  // What the client sends last is left unread, and answered by nothing.
  const server = createServer({ pauseOnConnect: true }).listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const accepted = once(server, 'connection');
  const client = connect(port, '127.0.0.1');
  const [socket] = (await accepted) as [Socket];
  onTestFinished(() => {
    for (const each of [client, socket]) each.destroy();
    server.close();
  });
  const { localAddress = '', localPort = 0, remoteAddress = '', remotePort = 0 } = socket;
  return {
    client,
    local: { address: localAddress, port: localPort },
    remote: { address: remoteAddress, port: remotePort },
  };
}

/** The real one, for which somebody else asks. */
function asUser(userId: number): SocketSight {
  return {
    ...sight,
    socketDiag: (local, remote) => {
      const socket = kernel.socketDiag(local, remote);
      return socket && { ...socket, userId };
    },
  };
}

describe.skipIf(lacks('sockDiag'))('whoever asks (needs sockDiag)', () => {
  it.each(['127.0.0.1', '::'])('this user may, of a server on %s', async (host) => {
    expect(mayNotSignal(kernel, await connection(host))).toBeUndefined();
  });

  it('root may, and no other user', async () => {
    const asker = await connection('127.0.0.1');
    expect(mayNotSignal(asUser(0), asker)).toBeUndefined();
    expect(mayNotSignal(asUser(65_533), asker)).toBe(
      "user 65533 asks, and this process is another user's",
    );
  });

  it('nobody may who has closed it since, of whom the kernel tells user 0', async () => {
    const asker = await connection('127.0.0.1');
    const { client, local, remote } = asker;
    client.destroy();
    // That the end was acknowledged, by which the kernel forgets whose it was.
    await expect
      .poll(() => kernel.socketDiag(remote, local))
      .toMatchObject({ timer: { kind: 'time-wait' }, inode: 0, userId: 0 });
    for (const sees of [kernel, asUser(process.getuid?.() ?? 0)]) {
      expect(mayNotSignal(sees, asker)).toBe(
        'who asked has closed the connection since: nobody holds it',
      );
    }
  });

  it('nobody may from another host, where the kernel here has no such socket', async () => {
    const { local } = await connection('127.0.0.1');
    for (const address of ['192.0.2.1', 'fe80::1%eth0']) {
      expect(mayNotSignal(kernel, { local, remote: { address, port: 7 } })).toBe(
        'who asks is not on this host',
      );
    }
  });
});

describe('where the kernel does not tell', () => {
  it('nobody may', async () => {
    const untold = 'the kernel does not tell who asks';
    const asker = await connection('127.0.0.1');
    expect(mayNotSignal(portableKernel, asker)).toBe(untold);
    const refusing: SocketSight = {
      ...sight,
      socketDiag: () => {
        throw new KernelRefusal('sock_diag', 105);
      },
    };
    expect(mayNotSignal(refusing, asker)).toBe(untold);
  });
});
