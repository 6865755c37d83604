/** Whatever a survey announces of a dying connection, at whatever moment, is what then happens to it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { FateKind } from '../../src/core/fate.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import {
  lacksNamespace,
  privateNamespace,
  type PrivateNamespace,
} from '../host/private-namespace.js';
import { Sockets, localEnd, type Pair } from '../host/sockets.js';
import { announcedEnd, Watch, type Ends } from '../host/watch.js';
import { kernel, lacks, SOON_MS } from '../real-kernel.js';
import { until } from '../until.js';

/** As in core/verdict.ts. */
const KERNEL_MEASURING_MS = 60;

/** The kernel tells in whole ticks when a timer is due. */
const TICK_MS = 1000 / (kernel.ticksPerSecond() ?? 100);

const LOOK_EVERY_MS = 15;
const SURVEY_EVERY_MS = 290;

/** For how long at least, and for as long as a survey has announced that something is still there. */
const LONGEST_MS = 30_000;

/** More than a kernel timer of a minute may be late, with whatever HZ. */
const WIDEST_MS = 6000;

/** Half open, the pauses so far are unknown: SYN-ACKs for the client's own SYNs are counted with the others. */
const WIDEST_HALF_OPEN_MS = 7000;

/** Makes its socket, and tells which it is. */
type Make = (stage: Stage) => Ends | Promise<Ends>;

interface Stage {
  readonly sockets: Sockets;
  readonly inside: PrivateNamespace['inside'];
  readonly pair: () => Promise<Pair>;
}

const KEEPALIVE = { idleSeconds: 1, intervalSeconds: 2, count: 3 };

const usual = {
  tcp_retries2: 5,
  tcp_orphan_retries: 5,
  tcp_syn_retries: 2,
  tcp_synack_retries: 2,
  tcp_fin_timeout: 7,
};

const victims: Readonly<Record<string, readonly [FateKind, Make]>> = {
  'an unanswered write': ['dying', (stage) => unanswered(stage)],
  'unanswered writes of several segments': [
    'dying',
    (stage) => unanswered(stage, undefined, 150_000),
  ],
  'an unanswered write under a user timeout': ['dying', (stage) => unanswered(stage, 5000)],
  'an unanswered write under keepalive and a user timeout': [
    'dying',
    async (stage) => {
      const { connected, accepted } = await stage.pair();
      kernel.setKeepalive(connected, KEEPALIVE);
      kernel.setUserTimeout(connected, 3500);
      cut(accepted);
      stage.sockets.send(connected);
      return between(connected, accepted);
    },
  ],
  'keepalive probes': ['dying', (stage) => probed(stage)],
  'keepalive probes under a user timeout that ends them': ['dying', (stage) => probed(stage, 4000)],
  'keepalive probes under a user timeout that prolongs them': [
    'dying',
    (stage) => probed(stage, 8500),
  ],
  'a closed window of a peer that is gone': ['dying', (stage) => blockedAndCut(stage)],
  'a closed window of a peer that is gone, under a user timeout': [
    'dying',
    (stage) => blockedAndCut(stage, 7000),
  ],
  'a closed window of a peer that lives, under a user timeout': [
    'slow',
    (stage) => blocked(stage, 9000),
  ],
  'SYNs that are not answered': ['dying', (stage) => connecting(stage)],
  'SYNs that are not answered, under a user timeout': ['dying', (stage) => connecting(stage, 4000)],
  'a handshake that the client never finishes': [
    'dying',
    ({ sockets, inside }) => {
      const listener = inside(() => sockets.listen());
      const client = inside(() => sockets.connect(listener.at, cut)); // does not hear the SYN-ACK
      cut(listener.fd); // does not hear it asking again
      return between(listener.fd, client);
    },
  ],
  'a goodbye that is not answered': [
    'closing',
    async (stage) => {
      const { connected, accepted } = await stage.pair();
      cut(accepted);
      stage.sockets.shutdown(connected);
      return between(connected, accepted);
    },
  ],
  'a goodbye that is not answered, of nobody any more': [
    'closing',
    async ({ pair, sockets }) => {
      const { connected, accepted } = await pair();
      cut(accepted);
      sockets.send(connected, 5000);
      return letGo(sockets, connected, accepted);
    },
  ],
  'the second goodbye, not answered': [
    'closing',
    async ({ pair, sockets }) => {
      const { connected, accepted } = await pair();
      sockets.shutdown(accepted);
      await until(() => kernel.tcpInfo(connected)?.state === 'CLOSE-WAIT', SOON_MS);
      cut(accepted);
      return letGo(sockets, connected, accepted);
    },
  ],
  'a goodbye that was answered, and no second one': [
    'closing',
    async ({ pair, sockets }) => {
      const { connected, accepted } = await pair();
      return letGo(sockets, connected, accepted);
    },
  ],
  'an unanswered write after the other end said goodbye': [
    'dying',
    async ({ pair, sockets }) => {
      const { connected, accepted } = await pair();
      sockets.shutdown(accepted);
      await until(() => kernel.tcpInfo(connected)?.state === 'CLOSE-WAIT', SOON_MS);
      kernel.setUserTimeout(connected, 6000);
      cut(accepted);
      sockets.send(connected);
      return between(connected, accepted);
    },
  ],
  'keepalive probes after its own goodbye': [
    'dying',
    async ({ pair, sockets }) => {
      const { connected, accepted } = await pair();
      sockets.shutdown(connected);
      await until(() => kernel.tcpInfo(connected)?.state === 'FIN-WAIT-2', SOON_MS);
      cut(accepted);
      kernel.setKeepalive(connected, KEEPALIVE);
      return between(connected, accepted);
    },
  ],
};

/** Every pause ends up the same, and no count of doublings tells how many there were. */
const shortPauses = { ...usual, tcp_orphan_retries: 0, tcp_retries2: 6, tcp_rto_max_ms: 1000 };

const victimsOfShortPauses: typeof victims = {
  'an unanswered write': ['dying', (stage) => unanswered(stage)],
  'an unanswered write under a user timeout': ['dying', (stage) => unanswered(stage, 5000)],
  'a closed window of a peer that is gone': ['dying', (stage) => blockedAndCut(stage)],
  'a closed window of a peer that lives, under a user timeout': [
    'slow',
    (stage) => blocked(stage, 9000),
  ],
  'SYNs that are not answered': ['dying', (stage) => connecting(stage)],
  'a goodbye that is not answered, of nobody any more': [
    'closing',
    async ({ pair, sockets }) => {
      const { connected, accepted } = await pair();
      cut(accepted);
      return letGo(sockets, connected, accepted);
    },
  ],
};

interface Setting {
  readonly setting: string;
  readonly sysctls: Readonly<Record<string, number>>;
  readonly cast: typeof victims;
}

const settings: readonly Setting[] = [
  { setting: 'with retries that are soon over', sysctls: usual, cast: victims },
  { setting: 'with pauses of at most 1 s', sysctls: shortPauses, cast: victimsOfShortPauses },
].filter(({ sysctls }) => kernel.capabilities.rtoMax || sysctls !== shortPauses);

const isSkipped =
  lacksNamespace || lacks('socketFilter', 'pidfd', 'userTimeout', 'keepaliveTuning', 'tcpInfo');

describe.skipIf(isSkipped).each(settings)('$setting (needs root)', ({ sysctls, cast }) => {
  const sockets = new Sockets();
  const victimEnds = new Map<string, Ends>();
  let watch: Watch;
  let namespace: PrivateNamespace;

  beforeAll(async () => {
    namespace = await privateNamespace(sysctls);
    const { inside } = namespace;
    const stage = { sockets, inside, pair: () => sockets.pair(inside) };
    watch = new Watch(namespace);
    const made = Object.entries(cast).map(async ([name, [, make]]) => {
      const ends = await make(stage);
      victimEnds.set(name, ends);
      watch.add(ends);
    });
    let nextSurvey = 0;
    const deadline = monotonicNow() + LONGEST_MS;
    const isOver = () =>
      victimEnds.size === made.length &&
      [...victimEnds.values()].every((ends) => watch.gone(ends) !== undefined);
    // How often a window probe has doubled its pause before the cut is up to the machine.
    const watchedUntil = () => Math.max(deadline, watch.announcedUntil() + 2 * KERNEL_MEASURING_MS);
    while (!isOver() && monotonicNow() < watchedUntil()) {
      watch.look();
      const now = monotonicNow();
      if (now >= nextSurvey) {
        nextSurvey = now + SURVEY_EVERY_MS;
        await watch.survey();
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    }
    await Promise.all(made);
  }, 4 * LONGEST_MS);

  afterAll(() => {
    sockets.closeAll();
    namespace.close();
  });

  it.each(Object.keys(cast))('%s', (name) => {
    const ends = victimEnds.get(name);
    if (ends === undefined) throw new Error(`${name} was not made`);
    const end = watch.gone(ends);
    const told = watch.announced(ends);
    const [kind] = cast[name] ?? [];
    const announced = told.flatMap(({ connection, from, to }) => {
      const ms = announcedEnd(connection);
      return ms === undefined ? [] : [{ kind: connection.fate.kind, ms, from, to }];
    });
    const missed = announced.flatMap(({ ms, from, to }) => {
      const { last = Infinity, first = Infinity } = end ?? {};
      const isEarly = first < from + ms.min - TICK_MS;
      const isLate = last > to + ms.max + KERNEL_MEASURING_MS;
      return isEarly || isLate ? [{ announced: ms, from: last - to, to: first - from }] : [];
    });
    expect(missed).toEqual([]);
    // How many surveys fit into a life of two seconds is up to the machine.
    expect(announced).not.toEqual([]);
    expect(announced.at(-1)?.kind).toBe(kind);
    // Whose peer lives is never told to be dying.
    if (kind === 'slow')
      expect(new Set(announced.map((each) => each.kind))).toEqual(new Set([kind]));
    const widestMs =
      name === 'a handshake that the client never finishes' ? WIDEST_HALF_OPEN_MS : WIDEST_MS;
    expect(announced.filter(({ ms }) => ms.max - ms.min > widestMs)).toEqual([]);
  });
});

function cut(fd: number): void {
  kernel.cut(fd, 'socket-filter');
}

/** As the first of them sees it; also of what is about to be closed, which has no descriptor afterwards. */
function between(fd: number, peerFd: number): Ends {
  return { local: localEnd(fd), peer: localEnd(peerFd) };
}

function letGo(sockets: Sockets, fd: number, peerFd: number): Ends {
  const ends = between(fd, peerFd);
  sockets.close(fd);
  return ends;
}

async function unanswered({ pair, sockets }: Stage, userTimeoutMs?: number, bytes = 64) {
  const { connected, accepted } = await pair();
  if (userTimeoutMs !== undefined) kernel.setUserTimeout(connected, userTimeoutMs);
  cut(accepted);
  sockets.send(connected, bytes);
  return between(connected, accepted);
}

async function probed({ pair }: Stage, userTimeoutMs?: number) {
  const { connected, accepted } = await pair();
  if (userTimeoutMs !== undefined) kernel.setUserTimeout(connected, userTimeoutMs);
  kernel.setKeepalive(connected, KEEPALIVE);
  cut(accepted);
  return between(connected, accepted);
}

/** Its peer reads nothing, and has answered a probe or two. */
async function blocked({ pair, sockets }: Stage, userTimeoutMs?: number) {
  const { connected, accepted } = await pair();
  await closedWindow(sockets, connected, userTimeoutMs);
  return between(connected, accepted);
}

async function blockedAndCut({ pair, sockets }: Stage, userTimeoutMs?: number) {
  const { connected, accepted } = await pair();
  await closedWindow(sockets, connected, userTimeoutMs);
  cut(accepted);
  return between(connected, accepted);
}

async function closedWindow(sockets: Sockets, fd: number, userTimeoutMs?: number): Promise<void> {
  if (userTimeoutMs !== undefined) kernel.setUserTimeout(fd, userTimeoutMs);
  sockets.fill(fd);
  // The first probe may still find a little room; from the next one on there is none.
  await until(() => (kernel.tcpInfo(fd)?.backoff ?? 0) >= 2, SOON_MS);
}

function connecting({ sockets, inside }: Stage, userTimeoutMs?: number): Ends {
  const listener = inside(() => sockets.listen());
  cut(listener.fd);
  const fd = inside(() =>
    sockets.connect(listener.at, (prepared) => {
      if (userTimeoutMs !== undefined) kernel.setUserTimeout(prepared, userTimeoutMs);
    }),
  );
  return { local: localEnd(fd), peer: listener.at };
}
