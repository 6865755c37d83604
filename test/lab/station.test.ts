import { describe, expect, it } from 'vitest';
import { beatsOnly, parseMode } from '../../src/core/mode.js';
import { addMs } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { LOAD_BYTES, type StationEvent } from '../../src/lab/station.js';
import { closedPort, rawServer } from '../net/raw-server.js';
import {
  engine,
  givesDescriptorsBack,
  lacks,
  lacksDescriptorCount,
  lacksEngine,
  newTurn,
  SOON_MS,
  TIMER_EARLY_MS,
} from '../real-kernel.js';
import { until } from '../until.js';
import { openStation, plainListen, type Told } from './stations.js';

describe('two stations', () => {
  it('mean the same connection by an id', async () => {
    const { server, client } = await openPairs([7, 8, 9]);
    for (const id of [7, 8, 9]) {
      const [ours] = server.station.look({ ids: [id] });
      const [theirs] = client.station.look({ ids: [id] });
      expect(ours).toMatchObject({ id, ended: null, drops: 0, remote: theirs?.local });
      expect(theirs).toMatchObject({ id, ended: null, drops: 0, remote: ours?.local });
    }
  });

  it('hear what is sent on it, once at each end, and tell a beat from it', async () => {
    const { server, client } = await openPairs([1, 2]);
    client.station.send({ ids: [2], bytes: LOAD_BYTES });
    client.station.send({ ids: [2], bytes: 0 });
    const heard = [
      { kind: 'received', id: 2, beat: false },
      { kind: 'received', id: 2, beat: true },
    ];
    await until(() => server.events.length === 2 && client.events.length === 2, SOON_MS);
    expect(server.events).toMatchObject(heard);
    expect(client.events).toMatchObject(heard); // the echoes
  });

  it.each(['close', 'reset'] as const)('end it: %s', async (how) => {
    const { server, client } = await openPairs([1, 2]);
    client.station.end({ ids: [1], how });
    await server.station.endings({ ids: [1] });
    expect(endings(server)).toMatchObject([{ id: 1, by: how === 'close' ? 'FIN' : 'ECONNRESET' }]);
    expect(endings(client)).toMatchObject([{ id: 1, by: 'local' }]);
    expect(server.station.look({ ids: [1, 2] }).map(({ ended }) => ended === null)).toEqual([
      false,
      true,
    ]);
  });

  it('answer what is not there with nothing', async () => {
    const { server } = await openPairs([1]);
    const ids = [99];
    expect(server.station.look({ ids })).toEqual([]);
    expect(server.station.cut({ ids, engine })).toEqual([]);
    server.station.send({ ids, bytes: 1 });
    server.station.end({ ids, how: 'reset' });
    server.station.chatter({ ids, everyMs: 1 });
    await server.station.endings({ ids });
    expect(server.events).toEqual([]);
  });

  it.skipIf(lacksEngine || lacks('tcpInfo'))(
    'cut one: nothing reaches that end any more (needs tcpInfo, socketFilter or minTtl)',
    async () => {
      const { server, client } = await openPairs([1, 2]);
      const before = monotonicNow();
      const [mark, ...others] = server.station.cut({ ids: [1], engine });
      expect(others).toEqual([]);
      expect(mark).toMatchObject({ id: 1, info: { state: 'ESTABLISHED' } });
      expect(mark?.at).toBeGreaterThanOrEqual(before);
      client.station.send({ ids: [1, 2], bytes: LOAD_BYTES });
      const dropped = () => server.station.look({ ids: [1] })[0]?.drops ?? 0;
      await until(() => dropped() > (mark?.drops ?? 0) && client.events.length > 0, SOON_MS);
      expect(server.events).toMatchObject([{ kind: 'received', id: 2 }]);
      expect(client.events).toMatchObject([{ kind: 'received', id: 2 }]);
      expect(server.station.look({ ids: [1] })).toMatchObject([
        { ended: null, info: { dataSegmentsIn: mark?.info?.dataSegmentsIn } },
      ]);
    },
  );
});

describe.each(['heartbeat=50ms:600ms', 'heartbeat=50ms:1m+idle-timeout=600ms'])(
  'a station that listens in mode %s',
  (text) => {
    const mode = parseMode(text);
    const by = mode.idleTimeoutMs === undefined ? 'heartbeat' : 'idle-timeout';

    it.skipIf(lacksEngine)(
      'notices when dead, stays quiet when alive (needs socketFilter or minTtl)',
      async () => {
        const { server, client } = await openPairs([1, 2, 3, 4], text);
        const beats = () => server.events.filter(({ kind }) => kind === 'received').length;
        await until(() => beats() > 4, SOON_MS);
        const marks = server.station.cut({ ids: [1, 3], engine });
        const cutAt = marks[0]?.at ?? monotonicNow();
        await until(() => endings(server).length === 2, SOON_MS);
        const twoTimeouts = addMs(cutAt, 1200);
        await until(() => monotonicNow() > twoTimeouts, SOON_MS);
        expect(new Set(endings(server).map(({ id }) => id))).toEqual(new Set([1, 3]));
        for (const ending of endings(server)) {
          expect(ending.by).toBe(by);
          expect(ending.silentMs).toBeGreaterThan(600 - ROUNDING_MS);
        }
        // The client judges nothing: it hears of it by the RST, which was not cut in that direction.
        expect(endings(client).map(({ by: cause }) => cause)).toEqual(['ECONNRESET', 'ECONNRESET']);
      },
    );
  },
);

describe('connecting', () => {
  it('resolves with those whose hello was answered', async () => {
    const { station } = openStation();
    const { port } = await rawServer((socket, number) => {
      if (number === 2) socket.resume();
      else if (number === 3) socket.resetAndDestroy();
      else socket.pipe(socket);
    });
    const ids = [1, 2, 3, 4];
    const { answered } = await station.connect({
      ids,
      port,
      mode: {},
      overMs: 400,
      helloTimeoutMs: 300,
    });
    expect(answered).toEqual([1, 4]);
  });

  it('resolves with nobody where nobody listens', async () => {
    const { station, events } = openStation();
    const port = await closedPort();
    expect(await station.connect({ ids: [1, 2], port, mode: {}, overMs: 0 })).toEqual({
      answered: [],
    });
    expect(events).toEqual([]);
  });

  it('opens evenly over its time, so that one drop meets every phase', async () => {
    const { station } = openStation();
    const acceptedAt: number[] = [];
    const { port } = await rawServer((socket) => {
      acceptedAt.push(monotonicNow());
      socket.pipe(socket);
    });
    await newTurn();
    const startedAt = monotonicNow();
    await station.connect({ ids: [1, 2, 3, 4], port, mode: {}, overMs: 200 });
    expect(acceptedAt).toHaveLength(4);
    acceptedAt.forEach((at, index) => {
      expect(at).toBeGreaterThanOrEqual(addMs(startedAt, index * 50 - TIMER_EARLY_MS));
    });
  });
});

describe('chatter', () => {
  it('is a frame every so often, until hushed', async () => {
    const { server, client } = await openPairs([1, 2]);
    client.station.chatter({ ids: [1, 2], everyMs: 30 });
    const heard = (id: number) => server.events.filter((event) => event.id === id).length;
    await until(() => heard(1) >= 3 && heard(2) >= 3, SOON_MS);
    client.station.hush({ ids: [1] });
    const answered = () => client.events.filter((event) => event.id === 1).length;
    // What was sent last has been answered, and the other one goes on.
    await until(() => answered() === heard(1), SOON_MS);
    const silentSince = { first: heard(1), second: heard(2) };
    await until(() => heard(2) >= silentSince.second + 3, SOON_MS);
    expect(heard(1)).toBe(silentSince.first);
    expect(server.events.every((event) => event.kind === 'received' && !event.beat)).toBe(true);
  });

  it('keeps an idle timeout quiet', async () => {
    const { server, client } = await openPairs([1], 'idle-timeout=600ms');
    const openedAt = monotonicNow();
    client.station.chatter({ ids: [1], everyMs: 50 });
    const twoTimeouts = addMs(openedAt, 1200);
    await until(() => monotonicNow() > twoTimeouts && server.events.length > 5, SOON_MS);
    expect(endings(server)).toEqual([]);
  });
});

describe('clear', () => {
  it('resets everything, whoever opened it', async () => {
    const { server, client } = await openPairs([1, 2]);
    client.station.chatter({ ids: [1, 2], everyMs: 10 });
    await client.station.clear();
    await until(() => endings(server).length === 2, SOON_MS);
    expect(endings(server)).toMatchObject([{ by: 'ECONNRESET' }, { by: 'ECONNRESET' }]);
    await server.station.clear();
    await server.station.clear(); // once more does nothing
  });

  it.skipIf(lacksDescriptorCount || lacksEngine)(
    'gives every descriptor back, of what was cut too (needs Linux, socketFilter or minTtl)',
    async () => {
      await givesDescriptorsBack(async () => {
        const { server, client } = await openPairs([1, 2, 3, 4], 'heartbeat=50ms:5s');
        server.station.cut({ ids: [1, 2], engine });
        client.station.cut({ ids: [1, 3], engine });
        await Promise.all([server.station.clear(), client.station.clear()]);
      });
    },
  );
});

/** The difference of two instants can be a rounding error short of the deadline. */
const ROUNDING_MS = 0.001;

/** A server that must notice and a client that only beats, with connections by these ids. */
async function openPairs(
  ids: readonly number[],
  text = 'none',
): Promise<{ readonly server: Told; readonly client: Told }> {
  const mode = parseMode(text);
  const server = openStation();
  const client = openStation();
  const { port } = await server.station.listen({ ...plainListen, mode });
  const { answered } = await client.station.connect({
    ids,
    port,
    mode: beatsOnly(mode),
    overMs: 0,
  });
  expect(answered).toEqual(ids);
  return { server, client };
}

function endings({ events }: Told): readonly Extract<StationEvent, { kind: 'ended' }>[] {
  return events.filter((event) => event.kind === 'ended');
}
