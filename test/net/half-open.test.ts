/** Whom the search blames, by what the kernel counts, in virtual time; on real sockets: drain.test.ts. */
import { describe, expect, it } from 'vitest';
import { instantAt } from '../../src/core/time.js';
import { KernelRefusal, type Kernel } from '../../src/kernel/kernel.js';
import { portableKernel } from '../../src/kernel/portable.js';
import type { OptionValues, TcpInfo } from '../../src/kernel/socket-view.js';
import type { Connection } from '../../src/net/connection.js';
import { HalfOpenSearch } from '../../src/net/half-open.js';

const OPTIONS: OptionValues = {
  keepalive: false,
  idleSeconds: 7200,
  intervalSeconds: 75,
  count: 9,
  userTimeoutMs: 0,
};

describe('a search for half-open connections', () => {
  it('asks twice before it blames: the second time a whole patience after the first', () => {
    const { search, peer } = searching();
    expect(search(0)).toEqual([]);
    peer.info = { probes: 1 };
    expect(search(999)).toEqual([]);
    expect(peer.asked).toBe(1);
    expect(search(1000)).toEqual([]);
    expect(peer.asked).toBe(2);
    peer.info = { probes: 2 };
    expect(search(1999)).toEqual([]);
    expect(search(2000)).toEqual([peer.connection]);
  });

  it('waits three retransmission timeouts for an answer, and ten seconds at most', () => {
    for (const [rtoMs, patienceMs] of [
      [200, 1000],
      [700, 2100],
      [100_000, 10_000],
    ] as const) {
      const { search, peer } = searching();
      peer.info = { rtoMs };
      search(0);
      peer.info = { rtoMs, probes: 1 };
      search(patienceMs - 1);
      expect(peer.asked).toBe(1);
      search(patienceMs);
      expect(peer.asked).toBe(2);
    }
  });

  it('blames nobody whose probe has not gone out yet', () => {
    const { search, peer } = searching();
    search(0);
    expect(search(60_000)).toEqual([]);
    expect(peer.asked).toBe(1);
  });

  it('puts the options of whoever answers back, and asks again after ten seconds', () => {
    const { search, peer } = searching();
    search(0);
    peer.info = { probes: 1 };
    search(1000);
    peer.info = { segmentsIn: 1 };
    expect(search(1500)).toEqual([]);
    expect(peer.options).toEqual(OPTIONS);
    search(11_499);
    expect(peer.asked).toBe(2);
    search(11_500);
    expect(peer.asked).toBe(3);
  });

  it('takes retransmissions for questions that nobody answers', () => {
    const { search, peer } = searching();
    peer.info = { retransmits: 3 };
    search(0);
    peer.info = { retransmits: 4 };
    search(1000);
    peer.info = { retransmits: 5 };
    expect(search(2000)).toEqual([peer.connection]);
  });

  it('waits for no retransmission that is minutes away', () => {
    const { search, peer } = searching();
    peer.info = { retransmits: 8, lastAckReceivedMs: 9999 };
    search(0);
    expect(search(60_000)).toEqual([]);
    expect(peer.asked).toBe(1);
    peer.info = { retransmits: 8, lastAckReceivedMs: 10_000 };
    expect(search(60_001)).toEqual([]);
    expect(search(61_001)).toEqual([peer.connection]);
  });

  it('does not ask whoever has spoken within a second', () => {
    const { search, peer } = searching();
    peer.silentMs = 999;
    search(0);
    expect(peer.asked).toBe(0);
    peer.silentMs = 1000;
    search(1);
    expect(peer.asked).toBe(1);
  });

  it('forgets whoever ends meanwhile, in whatever way', () => {
    for (const end of [
      (peer: Peer) => (peer.isGone = true),
      (peer: Peer) => (peer.refuses = true),
      (peer: Peer) => (peer.isEnding = true),
    ]) {
      const { search, peer, stop } = searching();
      search(0);
      peer.info = { probes: 1 };
      end(peer);
      expect(search(1000)).toEqual([]);
      expect(search(60_000)).toEqual([]);
      stop();
    }
  });

  it('asks no more than a hundred in one look', () => {
    const peers = Array.from({ length: 250 }, (_, fd) => new Peer(fd));
    const { search } = searching(peers);
    const asked = () => peers.filter((peer) => peer.asked > 0).length;
    for (const count of [100, 200, 250]) {
      search(0);
      expect(asked()).toBe(count);
    }
  });

  it('puts the options back when it is to stop, and blames nobody after that', () => {
    const { search, peer, stop } = searching();
    search(0);
    peer.info = { probes: 1 };
    stop();
    expect(peer.options).toEqual(OPTIONS);
    search(1000);
    expect(peer.asked).toBe(2); // as if it were the first time
    expect(search(1500)).toEqual([]);
  });

  it('does nothing where the kernel tells nothing', () => {
    const peer = new Peer(0);
    const search = new HalfOpenSearch(portableKernel);
    expect(search.look([peer.connection], instantAt(0))).toEqual([]);
    expect(peer.asked).toBe(0);
  });
});

class Peer {
  readonly fd: number;
  silentMs = 5000;
  info: Partial<TcpInfo> = {};
  options = OPTIONS;
  asked = 0;
  isGone = false;
  isEnding = false;
  refuses = false;
  readonly connection: Connection;

  constructor(fd: number) {
    this.fd = fd;
    const descriptor = () => (this.isGone ? undefined : this.fd);
    const ending = () => (this.isEnding ? {} : undefined);
    this.connection = {
      get descriptor() {
        return descriptor();
      },
      get ending() {
        return ending();
      },
      silentMs: () => this.silentMs,
    } as unknown as Connection;
  }
}

function searching(peers: readonly Peer[] = [new Peer(0)]) {
  const peerOf = (fd: number) => {
    const peer = peers.find((each) => each.fd === fd);
    if (peer === undefined || peer.refuses) throw new KernelRefusal('setsockopt', 9);
    return peer;
  };
  const kernel: Kernel = {
    ...portableKernel,
    capabilities: { ...portableKernel.capabilities, tcpInfo: true, keepaliveTuning: true },
    tcpInfo: (fd) => ({ ...INFO, ...peers[fd]?.info }),
    optionValues: (fd) => peerOf(fd).options,
    setOptionValues: (fd, values) => void (peerOf(fd).options = values),
    setKeepalive(fd, settings) {
      const peer = peerOf(fd);
      peer.asked++;
      peer.options = { ...peer.options, ...(settings as OptionValues), keepalive: true };
      return settings as OptionValues;
    },
  };
  const search = new HalfOpenSearch(kernel);
  const connections = peers.map(({ connection }) => connection);
  const [peer = new Peer(0)] = peers;
  return {
    peer,
    search: (ms: number) => search.look(connections, instantAt(ms)),
    stop: () => search.stop(),
  };
}

const INFO: TcpInfo = {
  state: 'ESTABLISHED',
  retransmits: 0,
  probes: 0,
  backoff: 0,
  rtoMs: 204,
  unacked: 0,
  lastDataReceivedMs: 0,
  lastAckReceivedMs: 0,
  rttMs: 1,
  totalRetransmissions: 0,
  bytesAcked: 0,
  bytesReceived: 0,
  segmentsOut: 0,
  segmentsIn: 0,
  dataSegmentsIn: 0,
  sendWindowBytes: null,
};
