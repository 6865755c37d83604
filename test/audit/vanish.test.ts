import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { vanish, type VanishOptions } from '../../src/audit/vanish.js';
import type { VanishProgress, VanishResult } from '../../src/core/vanish-result.js';
import type { KeepaliveSettings } from '../../src/core/mode.js';
import { TcpaliveError } from '../../src/errors.js';
import { hostFacts } from '../../src/kernel/host-facts.js';
import { portableKernel } from '../../src/kernel/portable.js';
import { descriptorOf } from '../../src/net/descriptor.js';
import {
  givesDescriptorsBack,
  kernel,
  lacks,
  lacksDescriptorCount,
  lacksEngine,
  SOON_MS,
  TEST_MS,
} from '../real-kernel.js';
import { until } from '../until.js';

interface Audit {
  readonly result: Promise<VanishResult>;
  readonly progress: VanishProgress[];
  readonly accepted: Socket[];
  readonly interrupt: () => void;
  readonly closeServer: () => void;
}

interface AuditOptions extends Partial<Pick<VanishOptions, 'waitMs' | 'connections' | 'request'>> {
  readonly keepalive?: KeepaliveSettings;
  readonly onAccepted?: (socket: Socket) => void;
  readonly through?: typeof kernel;
}

/** Of a server in this process. */
async function audit(options: AuditOptions = {}): Promise<Audit> {
  const { keepalive, onAccepted, waitMs = 20_000, connections = 1, request } = options;
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    accepted.push(socket);
    socket.on('error', () => undefined);
    socket.resume();
    if (keepalive !== undefined) kernel.setKeepalive(descriptorOf(socket) ?? -1, keepalive);
    onAccepted?.(socket);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of accepted) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const remote = { address: '127.0.0.1', port };
  const controller = new AbortController();
  const progress: VanishProgress[] = [];
  const result = vanish(
    options.through ?? kernel,
    {
      target: `localhost:${port}`,
      open: async () => {
        const socket = connect(port, remote.address);
        await once(socket, 'connect');
        return { socket, remote, addresses: [remote.address], tls: null };
      },
      protocol: null,
      request,
      waitMs,
      connections,
      host: hostFacts(kernel),
      interruption: controller.signal,
    },
    (event) => progress.push(event),
  );
  return {
    result,
    progress,
    accepted,
    interrupt: () => controller.abort(),
    closeServer: () => void server.close(),
  };
}

/** The real one, but for that. */
function kernelWith(other: Partial<typeof kernel>): typeof kernel {
  return new Proxy(kernel, {
    get(real, name) {
      const member: unknown = Reflect.get(name in other ? other : real, name);
      return typeof member === 'function' ? (member.bind(real) as unknown) : member;
    },
  });
}

const shortest = { idleSeconds: 1, intervalSeconds: 1, count: 1 };

describe.skipIf(lacksEngine || lacks('tcpInfo', 'keepaliveTuning'))(
  'vanish (needs tcpInfo, keepaliveTuning, and socketFilter or minTtl)',
  () => {
    it(
      'finds out the keepalive of a server, and gives both places back',
      async () => {
        const { result, progress, accepted } = await audit({ keepalive: shortest });
        expect(await result).toMatchObject({
          schema: 'tcpalive/vanish/1',
          complete: true,
          noticed: true,
          mechanism: 'keepalive',
          inferred: { idleMs: { ms: 1000 }, intervalMs: { ms: 1000 }, count: 1 },
          quiet: { kind: 'open' },
          proven: true,
          provenBy: 'segment',
          kept: { write: { kind: 'predicted' }, hung: { kind: 'longer' } },
        });
        expect(progress.map(({ event }) => event)).toEqual(
          expect.arrayContaining(['opened', 'vanished', 'seen', 'proven', 'watching']),
        );
        await until(() => accepted.every(({ destroyed }) => destroyed), SOON_MS);
      },
      TEST_MS,
    );

    it(
      'says that nothing was noticed, when that is proven',
      async () => {
        const { result } = await audit({ waitMs: 1500 });
        expect(await result).toMatchObject({
          complete: true,
          noticed: false,
          noticedAfterMs: null,
          how: null,
          mechanism: 'none-seen',
          proven: true,
          provenBy: 'probe',
          kept: { idle: { kind: 'longer' }, hung: { kind: 'longer' } },
        });
      },
      TEST_MS,
    );

    it(
      'looks at each connection once every ten milliseconds',
      async () => {
        let looks = 0;
        const through = kernelWith({ drops: (fd) => (looks++, kernel.drops(fd)) });
        const { durationMs } = await (await audit({ waitMs: 1500, through })).result;
        const atMost = durationMs / 9; // a timer may be a millisecond early
        expect(looks / 2).toBeLessThan(atMost + 10);
      },
      TEST_MS,
    );

    it(
      'prevents the answer to a question, and says who still holds the connection',
      async () => {
        const onAccepted = (socket: Socket) => socket.on('data', () => socket.write('answer'));
        const { result } = await audit({
          onAccepted,
          waitMs: 2000,
          request: Buffer.from('question'),
        });
        expect(await result).toMatchObject({
          load: 'write',
          noticed: false,
          mechanism: 'retransmission',
          proven: true,
          kept: { idle: { kind: 'unknown' }, write: { kind: 'longer' } },
        });
        const [connection] = (await result).connections;
        expect(connection?.events.at(-1)?.kind).toBe('held');
      },
      TEST_MS,
    );

    it(
      'begins anew with a server whose greeting comes late, and waits for it',
      async () => {
        const { result, progress, accepted } = await audit({
          keepalive: shortest,
          onAccepted: (socket) => setTimeout(() => socket.write('welcome'), 600),
        });
        const { mechanism, inferred, quiet, notes } = await result;
        expect({ mechanism, inferred, quiet }).toMatchObject({
          mechanism: 'keepalive',
          inferred: { idleMs: { ms: 1000 }, intervalMs: { ms: 1000 }, count: 1 },
          quiet: { kind: 'open', dataSegments: 0 },
        });
        expect(notes).toContainEqual(expect.stringMatching(/begun anew/));
        expect(progress.filter(({ event }) => event === 'greeted-late')).toHaveLength(1);
        expect(accepted).toHaveLength(4);
        expect(accepted.slice(0, 2).every(({ destroyed }) => destroyed)).toBe(true);
      },
      TEST_MS,
    );

    it.skipIf(lacks('minTtl'))(
      'holds no third place once it knows how one can vanish',
      async () => {
        const capabilities = { ...kernel.capabilities, socketFilter: false };
        const { progress, accepted, interrupt, result } = await audit({
          through: kernelWith({ capabilities }),
        });
        await until(() => progress.some(({ event }) => event === 'vanished'), SOON_MS);
        await until(() => accepted.filter(({ destroyed }) => !destroyed).length === 2, SOON_MS);
        interrupt();
        await result;
        expect(accepted).toHaveLength(3);
      },
    );

    it('says so when it is closed before it could vanish', async () => {
      const { result } = await audit({ onAccepted: (socket) => socket.end() });
      await expect(result).rejects.toMatchObject({
        code: 'NO_ANSWER',
        message: expect.stringMatching(/closed the connection at once \(FIN\)/) as string,
      });
    });

    it(
      'lets several vanish, at as many phases',
      async () => {
        const closeSoon = (socket: Socket) => setTimeout(() => socket.destroy(), 1000);
        const { result, accepted } = await audit({ connections: 3, onAccepted: closeSoon });
        const { mechanism, connections, noticed } = await result;
        expect(accepted).toHaveLength(4);
        expect({ mechanism, noticed }).toEqual({ mechanism: 'idle-timeout', noticed: true });
        expect(connections.map((each) => each.mechanism)).toEqual(Array(3).fill('idle-timeout'));
      },
      TEST_MS,
    );

    it('interrupted while it opens, tells of those that have vanished', async () => {
      const { result, progress, interrupt } = await audit({ connections: 20 });
      await until(() => progress.some(({ event }) => event === 'vanished'), SOON_MS);
      interrupt();
      const { complete, connections } = await result;
      expect(complete).toBe(false);
      expect(connections.length).toBeGreaterThanOrEqual(1);
      expect(connections.length).toBeLessThan(20);
    });

    it.skipIf(lacksDescriptorCount)(
      'interrupted, claims nothing and gives everything back',
      async () => {
        await givesDescriptorsBack(async () => {
          const { result, progress, interrupt, accepted, closeServer } = await audit();
          await until(() => progress.some(({ event }) => event === 'vanished'), SOON_MS);
          interrupt();
          expect(await result).toMatchObject({
            complete: false,
            noticed: false,
            mechanism: 'none-seen',
            kept: { idle: { kind: 'unknown', reason: 'it was interrupted' } },
          });
          await until(() => accepted.every(({ destroyed }) => destroyed), SOON_MS);
          closeServer();
        });
      },
      TEST_MS,
    );
  },
);

it('says what it lacks where the kernel cannot be asked', async () => {
  const { result } = await audit({ through: portableKernel });
  await expect(result).rejects.toThrow(TcpaliveError);
  await expect(result).rejects.toMatchObject({ code: 'NO_CAPABILITY' });
});
