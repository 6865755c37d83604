import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { connect, createServer, type AddressInfo } from 'node:net';
import { platform } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { CapabilityName } from '../../../src/core/capabilities.js';
import { everySocket } from '../../../src/core/idle-sockets.js';
import type { DropEngine } from '../../../src/core/result.js';
import { KernelRefusal } from '../../../src/kernel/kernel.js';
import { ticksPerSecond } from '../../../src/kernel/linux/proc.js';
import { openKernel } from '../../../src/kernel/open-kernel.js';
import { descriptorOf } from '../../../src/net/descriptor.js';
import { ownAddress } from '../../own-address.js';
import { until } from '../../until.js';
import { openPair, type RealEnd } from './loopback.js';

const kernel = await openKernel();

/** Retransmissions and delayed ACKs come within a second; this is for a machine ten times slower. */
const SOON_MS = 10_000;

/** What a run of CI as root has and may not skip: a green test that skipped itself proves nothing. */
const mayNotSkip = process.env['CI'] !== undefined && process.getuid?.() === 0;

function lacks(...names: readonly Exclude<CapabilityName, 'namespace'>[]): boolean {
  return !mayNotSkip && names.some((name) => !kernel.capabilities[name]);
}

describe.skipIf(platform() !== 'linux')('the running kernel', () => {
  it.skipIf(lacks('keepaliveTuning'))(
    'takes a keepalive triple (needs keepaliveTuning)',
    async () => {
      const { observer } = await openPair();
      const settings = { idleSeconds: 61, intervalSeconds: 11, count: 7 };
      expect(kernel.setKeepalive(observer.fd, settings)).toEqual(settings);
      // Whoever only turns it on keeps the times that were set.
      expect(kernel.setKeepalive(observer.fd, 'system')).toEqual(settings);
    },
  );

  it.skipIf(lacks('keepaliveTuning'))(
    "takes the host's own times for keepalive=system (needs keepaliveTuning)",
    async () => {
      const { observer } = await openPair();
      const sysctls = kernel.tcpSysctls();
      expect(kernel.setKeepalive(observer.fd, 'system')).toEqual({
        idleSeconds: Number(sysctls.get('tcp_keepalive_time')),
        intervalSeconds: Number(sysctls.get('tcp_keepalive_intvl')),
        count: Number(sysctls.get('tcp_keepalive_probes')),
      });
    },
  );

  it.skipIf(lacks('tcpInfo'))('duplicates a descriptor, and no other (needs tcpInfo)', async () => {
    const { observer } = await openPair();
    const copy = kernel.duplicate(observer.fd);
    if (copy === undefined) throw new Error('there is room for one more');
    expect(copy).not.toBe(observer.fd);
    expect(kernel.cookie(copy)).toBe(kernel.cookie(observer.fd));
    closeSync(copy);
    expect(kernel.duplicate(copy)).toBeUndefined();
  });

  it.skipIf(lacks('keepaliveTuning'))(
    'refuses times that it does not have, and a descriptor that is none (needs keepaliveTuning)',
    async () => {
      const { observer } = await openPair();
      const tooLong = { idleSeconds: 32_768, intervalSeconds: 1, count: 1 };
      expect(() => kernel.setKeepalive(observer.fd, tooLong)).toThrow(KernelRefusal);
      expect(() => kernel.setKeepalive(-1, 'system')).toThrow(
        new KernelRefusal('setsockopt(1, 9)', 9),
      );
    },
  );

  it.skipIf(lacks('userTimeout'))('takes a user timeout (needs userTimeout)', async () => {
    const { observer } = await openPair();
    expect(kernel.setUserTimeout(observer.fd, 123_456)).toBe(123_456);
    expect(() => kernel.setUserTimeout(observer.fd, -1)).toThrow(KernelRefusal);
  });

  it.skipIf(lacks('tcpInfo'))(
    'tells of an established pair what was sent (needs tcpInfo)',
    async () => {
      const { observer, peer } = await openPair();
      expect(kernel.tcpInfo(observer.fd)).toMatchObject({ state: 'ESTABLISHED', bytesReceived: 0 });
      peer.socket.write(new Uint8Array(64));
      await until(() => kernel.tcpInfo(observer.fd)?.bytesReceived === 64, SOON_MS);
      // The SYN of the end that connected counts as an acknowledged byte.
      await until(() => kernel.tcpInfo(peer.fd)?.bytesAcked === 65, SOON_MS);
      expect(kernel.tcpInfo(observer.fd)).toMatchObject({ dataSegmentsIn: 1, retransmits: 0 });
      expect(kernel.tcpInfo(peer.fd)).toMatchObject({ unacked: 0, totalRetransmissions: 0 });
    },
  );

  it.skipIf(lacks('minTtl', 'sockDiag'))(
    'says nothing of the silence of what is only connecting (needs minTtl, sockDiag)',
    async () => {
      const host = ownAddress();
      const server = createServer().listen(0, host);
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const fd = descriptorOf(server);
      if (fd === undefined) throw new Error('no descriptor');
      kernel.cut(fd, 'min-ttl');
      const socket = connect(port, host);
      onTestFinished(() => void socket.on('error', () => undefined).destroy());
      const found = await until(
        () => [...everySocket(kernel.tcpSockets())].find(({ peer }) => peer.address === host),
        SOON_MS,
      );
      expect(found).toMatchObject({ state: 'SYN-SENT', info: null });
    },
  );

  it.skipIf(lacks('sockDiag'))(
    'keeps the table of all, which can be walked through again (needs sockDiag)',
    async () => {
      const host = ownAddress();
      const server = createServer().listen(0, host);
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      const table = kernel.tcpSockets();
      const [first, second] = [[...everySocket(table)], [...everySocket(table)]];
      const here = first.filter(({ local }) => local.address === host);
      expect(here.map(({ state }) => state)).toEqual(['LISTEN']);
      expect(second).toEqual(first);
    },
  );

  it.skipIf(lacks('tcpInfo'))('knows nothing of what is no TCP socket (needs tcpInfo)', () => {
    const fd = openSync('/dev/null', 'r');
    expect(kernel.tcpInfo(fd)).toBeUndefined();
    expect(kernel.drops(fd)).toBe(0);
    closeSync(fd);
    expect(kernel.tcpInfo(-1)).toBeUndefined();
  });

  describe.each<[DropEngine, CapabilityName & ('minTtl' | 'socketFilter')]>([
    ['min-ttl', 'minTtl'],
    ['socket-filter', 'socketFilter'],
  ])('cut with %s (needs %s)', (engine, capability) => {
    it.skipIf(lacks(capability, 'tcpInfo')).each([
      ['127.0.0.1', '127.0.0.1'],
      ['::1', '::1'],
      ['::', '127.0.0.1'],
    ])('swallows a segment on %s from %s, and heal delivers it', async (host, connectTo) => {
      const { observer, peer } = await openPair(host, connectTo);
      const heard = arrivals(observer);
      peer.socket.write('before');
      await until(() => heard() === 'before', SOON_MS);

      kernel.cut(observer.fd, engine);
      const dropped = kernel.drops(observer.fd);
      peer.socket.write('while cut');
      await until(() => kernel.drops(observer.fd) > dropped, SOON_MS);
      expect(kernel.tcpInfo(observer.fd)).toMatchObject({
        state: 'ESTABLISHED',
        bytesReceived: 6,
        dataSegmentsIn: 1,
      });
      expect(kernel.tcpInfo(peer.fd)).toMatchObject({ state: 'ESTABLISHED', unacked: 1 });

      kernel.heal(observer.fd, engine);
      await until(() => heard() === 'beforewhile cut', SOON_MS);
      expect(kernel.tcpInfo(peer.fd)?.totalRetransmissions).toBeGreaterThan(0);
    });

    it.skipIf(lacks(capability, 'tcpInfo'))(
      'swallows a FIN: the observer stays ESTABLISHED',
      async () => {
        const { observer, peer } = await openPair();
        kernel.cut(observer.fd, engine);
        peer.socket.end();
        await until(() => kernel.drops(observer.fd) > 0, SOON_MS);
        expect(kernel.tcpInfo(observer.fd)?.state).toBe('ESTABLISHED');
        expect(kernel.tcpInfo(peer.fd)?.state).toBe('FIN-WAIT-1');
      },
    );

    it.skipIf(lacks(capability, 'keepaliveTuning', 'sockDiag'))(
      'is what keepalive gives a connection up for',
      async () => {
        const { observer, peer } = await openPair();
        kernel.setKeepalive(observer.fd, { idleSeconds: 1, intervalSeconds: 1, count: 1 });
        const given = new Promise((resolve) => observer.socket.once('error', resolve));
        kernel.cut(observer.fd, engine);
        kernel.cut(peer.fd, engine);
        expect(await given).toMatchObject({ code: 'ETIMEDOUT' });
        expect(kernel.socketDiag(observer.local, observer.remote)).toBeUndefined();
      },
    );
  });

  describe('sock_diag (needs sockDiag)', () => {
    it.skipIf(lacks('sockDiag')).each([
      ['127.0.0.1', '127.0.0.1'],
      ['::1', '::1'],
      ['::', '127.0.0.1'],
    ])('shows no timer on a plain idle connection on %s from %s', async (host, connectTo) => {
      const { observer, peer } = await openPair(host, connectTo);
      for (const { local, remote } of [observer, peer]) {
        // The handshake's last acknowledgement may still be under way.
        await until(() => kernel.socketDiag(local, remote)?.timer.kind === 'none', SOON_MS);
        expect(kernel.socketDiag(local, remote)).toMatchObject({
          state: 'ESTABLISHED',
          timer: { kind: 'none', expiresInMs: null },
          sendQueueBytes: 0,
          receiveQueueBytes: 0,
        });
      }
    });

    it.skipIf(lacks('sockDiag', 'keepaliveTuning', 'tcpInfo'))(
      'shows the keepalive timer, due one idle time after the last received segment',
      async () => {
        const { observer } = await openPair();
        kernel.setKeepalive(observer.fd, { idleSeconds: 600, intervalSeconds: 10, count: 6 });
        const before = kernel.tcpInfo(observer.fd)?.lastAckReceivedMs ?? Number.NaN;
        const diag = kernel.socketDiag(observer.local, observer.remote);
        const after = kernel.tcpInfo(observer.fd)?.lastAckReceivedMs ?? Number.NaN;
        expect(diag).toMatchObject({
          state: 'ESTABLISHED',
          timer: { kind: 'keepalive' },
          retransmissions: 0,
        });
        const silentMs = 600_000 - (diag?.timer.expiresInMs ?? Number.NaN);
        expect(silentMs).toBeGreaterThanOrEqual(before - TWO_TICKS_MS);
        expect(silentMs).toBeLessThanOrEqual(after + TWO_TICKS_MS);
      },
    );

    it.skipIf(lacks('sockDiag', 'minTtl'))('shows a write that is not answered', async () => {
      const { observer, peer } = await openPair();
      kernel.cut(peer.fd, 'min-ttl');
      observer.socket.write(new Uint8Array(64));
      const retransmitted = () => {
        const diag = kernel.socketDiag(observer.local, observer.remote);
        return (diag?.retransmissions ?? 0) > 0 && diag;
      };
      expect(await until(retransmitted, SOON_MS)).toMatchObject({
        timer: { kind: 'retransmit' },
        sendQueueBytes: 64,
      });
    });

    it.skipIf(lacks('sockDiag'))('shows nothing of a connection that is not there', () => {
      const nobody = { address: '127.0.0.1', port: 1 };
      expect(kernel.socketDiag(nobody, nobody)).toBeUndefined();
    });
  });

  it('counts the descriptors of a process', () => {
    const before = kernel.openDescriptors(process.pid) ?? Number.NaN;
    const opened = Array.from({ length: 50 }, () => openSync('/dev/null', 'r'));
    expect(kernel.openDescriptors(process.pid)).toBe(before + 50);
    opened.forEach((fd) => closeSync(fd));
    expect(kernel.openDescriptors(process.pid)).toBe(before);
    expect(kernel.openDescriptors(MORE_THAN_ANY_PID)).toBeUndefined();
  });

  it('tells its sysctls and ticks', () => {
    expect(Number(kernel.tcpSysctls().get('tcp_retries2'))).toBeGreaterThan(0);
    // As it was configured, where that can be read.
    const configured = ticksPerSecond();
    if (configured === undefined) expect([100, 250, 300, 1000]).toContain(kernel.ticksPerSecond());
    else expect(kernel.ticksPerSecond()).toBe(configured);
  });

  it('says when a sysctl cannot be had, and takes no path for a name', () => {
    expect(kernel.setSysctl('tcp_no_such_thing', '1')).toBe(false);
    expect(() => kernel.setSysctl('../../kernel/hostname', 'x')).toThrow(RangeError);
  });
});

/** The kernel counts silence in ticks of at most 10 ms, once for each of two figures. */
const TWO_TICKS_MS = 20;

/** PID_MAX_LIMIT, linux/threads.h. */
const MORE_THAN_ANY_PID = 4_194_305;

/** All that has arrived so far. */
function arrivals({ socket }: RealEnd): () => string {
  let text = '';
  socket.on('data', (chunk) => (text += chunk.toString('latin1')));
  return () => text;
}
