import { describe, expect, it } from 'vitest';
import { instantAt } from '../../src/core/time.js';
import { portableKernel } from '../../src/kernel/portable.js';
import type { TcpInfo } from '../../src/kernel/socket-view.js';
import { proveCut, witness } from '../../src/lab/proof.js';
import type { ConnectionId, CutMark, Snapshot } from '../../src/lab/station.js';
import { engine, kernel, lacks, lacksEngine } from '../real-kernel.js';
import { asRemote } from './as-remote.js';
import { openStation } from './stations.js';

describe('proveCut', () => {
  it('is proven once every connection has swallowed a segment and let none through', async () => {
    const looks = [[seen(1, 0), seen(2, 5)], [seen(1, 0), seen(2, 6)], [seen(1, 1)]];
    const asked: (readonly ConnectionId[])[] = [];
    const proof = await proveCut(
      (ids) => {
        asked.push(ids);
        return looks.shift() ?? [];
      },
      marks(mark(1, 0), mark(2, 5)),
    );
    expect(proof).toEqual({ proven: true, deliveredSegments: 0 });
    expect(asked).toEqual([[1, 2], [1, 2], [1]]); // what is proven is not looked at again
  });

  it('takes an answer that has to travel', async () => {
    const proof = await proveCut(() => Promise.resolve([seen(1, 1)]), marks(mark(1, 0)));
    expect(proof.proven).toBe(true);
  });

  it('is not proven by a drop count that was there before the cut', async () => {
    const proof = await proveCut(() => [seen(1, 3)], marks(mark(1, 3)));
    expect(proof).toEqual({ proven: false, deliveredSegments: 0 });
  });

  it('is disproved by a data segment that got through, swallowed ones or not', async () => {
    const proof = await proveCut(
      () => [seen(1, 1), seen(2, 4, 12), seen(3, 0, 11)],
      marks(mark(1, 0), mark(2, 0), mark(3, 0)),
    );
    expect(proof).toEqual({ proven: false, deliveredSegments: 3 });
  });

  it('is not proven for a connection that has ended', async () => {
    const gone: Snapshot = { ...seen(2, 9), info: null, ended: 'ETIMEDOUT' };
    const proof = await proveCut(() => [seen(1, 1), gone], marks(mark(1, 0), mark(2, 0)));
    expect(proof).toEqual({ proven: false, deliveredSegments: 0 });
  });

  it('has nothing to prove of no connections', async () => {
    expect(await proveCut(() => [], marks())).toEqual({ proven: true, deliveredSegments: 0 });
  });
});

describe('witness', () => {
  it.skipIf(lacksEngine || lacks('tcpInfo'))(
    'proves that nothing arrives at either end (needs tcpInfo, socketFilter or minTtl)',
    async () => {
      const observer = openStation();
      const peer = openStation();
      const seen = await witness(observer.station, asRemote(peer.station), [1], engine);
      expect(seen).toEqual({ fromPeer: true, toPeer: true });
      expect(peer.events).toEqual([]);
    },
  );

  it.skipIf(lacks('tcpInfo'))('does not take a cut at its word (needs tcpInfo)', async () => {
    // Where cutting does nothing, what is sent arrives.
    const blunt = {
      ...portableKernel,
      cut: () => undefined,
      tcpInfo: (fd: number) => kernel.tcpInfo(fd),
      drops: (fd: number) => kernel.drops(fd),
    };
    const observer = openStation(blunt);
    const peer = openStation(blunt);
    const seen = await witness(observer.station, asRemote(peer.station), [1], engine);
    expect(seen).toEqual({ fromPeer: false, toPeer: false });
  });

  it('is not proven where no kernel tells', async () => {
    const observer = openStation({ ...portableKernel, cut: () => undefined });
    const peer = openStation({ ...portableKernel, cut: () => undefined });
    const seen = await witness(observer.station, asRemote(peer.station), [1], engine);
    expect(seen).toEqual({ fromPeer: false, toPeer: false });
  });
});

const SEGMENTS_BEFORE = 10;

const endpoint = { address: '127.0.0.1', port: 1 };

function mark(id: ConnectionId, drops: number): CutMark {
  return { id, at: instantAt(0), info: infoOf(SEGMENTS_BEFORE), drops };
}

function marks(...all: readonly CutMark[]): ReadonlyMap<ConnectionId, CutMark> {
  return new Map(all.map((each) => [each.id, each]));
}

function seen(id: ConnectionId, drops: number, dataSegmentsIn = SEGMENTS_BEFORE): Snapshot {
  const info = infoOf(dataSegmentsIn);
  return { id, ended: null, info, drops, local: endpoint, remote: endpoint };
}

function infoOf(dataSegmentsIn: number): TcpInfo {
  return {
    state: 'ESTABLISHED',
    retransmits: 0,
    probes: 0,
    backoff: 0,
    rtoMs: 200,
    unacked: 0,
    lastDataReceivedMs: 0,
    lastAckReceivedMs: 0,
    rttMs: 0,
    totalRetransmissions: 0,
    bytesAcked: 0,
    bytesReceived: 0,
    segmentsOut: 0,
    segmentsIn: dataSegmentsIn,
    dataSegmentsIn,
    sendWindowBytes: 0,
  };
}
