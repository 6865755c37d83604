import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { kernel, lacks, SOON_MS } from '../../real-kernel.js';
import { until } from '../../until.js';
import { openPair, type RealEnd } from './loopback.js';

const ADDRESSES = [['127.0.0.1'], ['::1']];

/** The handshake's last acknowledgement has arrived. */
async function settled({ observer, peer }: { observer: RealEnd; peer: RealEnd }): Promise<void> {
  await until(() => [observer, peer].every(({ fd }) => kernel.tcpInfo(fd)?.unacked === 0), SOON_MS);
}

describe.skipIf(lacks('socketFilter', 'tcpInfo'))(
  'goodbye-filter (needs socketFilter, tcpInfo)',
  () => {
    it.each(ADDRESSES)('swallows data, and lets a FIN be counted, on %s', async (host) => {
      const { observer, peer } = await openPair(host);
      kernel.cut(observer.fd, 'goodbye-filter');
      const before = kernel.tcpInfo(observer.fd)?.segmentsIn ?? Number.NaN;
      peer.socket.write('swallowed');
      await until(() => kernel.drops(observer.fd) > 0, SOON_MS);
      expect(kernel.tcpInfo(observer.fd)?.segmentsIn).toBe(before);
      peer.socket.end();
      await until(() => kernel.tcpInfo(observer.fd)?.segmentsIn === before + 1, SOON_MS);
      // There is a hole before it: the program does not hear of it.
      expect(kernel.tcpInfo(observer.fd)).toMatchObject({ state: 'ESTABLISHED', bytesReceived: 0 });
    });

    it.each(ADDRESSES)('lets a FIN pass that nothing was lost before, on %s', async (host) => {
      const { observer, peer } = await openPair(host);
      kernel.cut(observer.fd, 'goodbye-filter');
      observer.socket.resume();
      peer.socket.end();
      await once(observer.socket, 'end');
    });

    it.each(ADDRESSES)('lets an RST pass, on %s', async (host) => {
      const { observer, peer } = await openPair(host);
      kernel.cut(observer.fd, 'goodbye-filter');
      peer.socket.write('swallowed');
      await until(() => kernel.drops(observer.fd) > 0, SOON_MS);
      const error = new Promise((resolve) => observer.socket.once('error', resolve));
      observer.socket.resume();
      peer.socket.resetAndDestroy();
      expect(await error).toMatchObject({ code: 'ECONNRESET' });
    });
  },
);

describe.skipIf(lacks('socketFilter', 'tcpInfo'))(
  'data-filter (needs socketFilter, tcpInfo)',
  () => {
    it.each(ADDRESSES)('swallows an answer whose request is acknowledged, on %s', async (host) => {
      const pair = await openPair(host);
      const { observer, peer } = pair;
      await settled(pair);
      kernel.cut(observer.fd, 'data-filter');
      peer.socket.on('data', () => peer.socket.write('answer'));
      observer.socket.write('request');
      await until(() => kernel.drops(observer.fd) > 1, SOON_MS);
      await until(() => kernel.tcpInfo(observer.fd)?.unacked === 0, SOON_MS);
      expect(kernel.tcpInfo(observer.fd)).toMatchObject({ bytesReceived: 0, dataSegmentsIn: 0 });
      expect(kernel.tcpInfo(peer.fd)).toMatchObject({ unacked: 1 });
      kernel.heal(observer.fd, 'data-filter');
      await until(() => kernel.tcpInfo(observer.fd)?.bytesReceived === 6, SOON_MS);
    });
  },
);

describe.skipIf(lacks('tcpInfo'))('hop-limit (needs tcpInfo)', () => {
  it.each(ADDRESSES)('does nothing on the same host, and says nothing: %s', async (host) => {
    const { observer, peer } = await openPair(host);
    kernel.cut(peer.fd, 'hop-limit');
    peer.socket.write('arrives');
    await until(() => kernel.tcpInfo(observer.fd)?.bytesReceived === 7, SOON_MS);
    await until(() => kernel.tcpInfo(peer.fd)?.unacked === 0, SOON_MS);
    kernel.heal(peer.fd, 'hop-limit');
  });
});
