import { describe, expect, it, onTestFinished } from 'vitest';
import { WatchedConnection } from '../../src/audit/watched-connection.js';
import type { VanishEngine, VanishEvent } from '../../src/core/vanish-log.js';
import { descriptorOf } from '../../src/net/descriptor.js';
import { openPair, type RealEnd } from '../kernel/linux/loopback.js';
import { kernel, lacks, SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';

interface Watched {
  readonly connection: WatchedConnection;
  readonly events: VanishEvent[];
  readonly kinds: () => readonly string[];
  /** Of the server: nobody watches it. */
  readonly server: RealEnd;
}

const LOOK_EVERY_MS = 5;
const STALL_MS = 150;

/** Nothing else of this process runs meanwhile. */
function stall(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function watched(): Promise<Watched> {
  const { observer, peer } = await openPair();
  const opened = { socket: peer.socket, remote: peer.remote, addresses: [], tls: null };
  const events: VanishEvent[] = [];
  const connection = new WatchedConnection(kernel, opened, 'vanished', (event) => {
    events.push(event);
  });
  const looking = setInterval(() => connection.look(), LOOK_EVERY_MS);
  onTestFinished(() => {
    clearInterval(looking);
    connection.close();
  });
  await until(() => connection.stillMs > 100, SOON_MS);
  return { connection, events, kinds: () => events.map(({ kind }) => kind), server: observer };
}

describe.skipIf(lacks('tcpInfo', 'keepaliveTuning', 'minTtl'))(
  'a watched connection (needs tcpInfo, keepaliveTuning, minTtl)',
  () => {
    it('tells of data, of probes and of a FIN, since its last word', async () => {
      const { connection, events, kinds, server } = await watched();
      connection.beginSilence();
      const silentMs = connection.silentMs;
      server.socket.write('data');
      await until(() => kinds().includes('data'), SOON_MS);
      expect(events[0]?.atMs).toBeGreaterThan(silentMs);
      kernel.setKeepalive(server.fd, { idleSeconds: 1, intervalSeconds: 1, count: 1 });
      await until(() => kinds().includes('bare'), SOON_MS);
      server.socket.end();
      await until(() => kinds().includes('fin'), SOON_MS);
      expect(kinds()).toEqual(['data', 'bare', 'fin']);
      expect(connection.ended).toBe('fin');
    });

    it('says nothing of what came before its silence, and knows an RST right behind data', async () => {
      const { connection, kinds, server } = await watched();
      server.socket.write('greeting');
      await until(() => kernel.tcpInfo(server.fd)?.unacked === 0, SOON_MS);
      connection.beginSilence();
      server.socket.resetAndDestroy();
      await until(() => connection.ended === 'reset', SOON_MS);
      expect(kinds()).toEqual(['reset']);
    });

    it.skipIf(lacks('socketFilter')).each<VanishEngine>(['min-ttl', 'goodbye-filter'])(
      'proves by a probe of its own that it is cut by %s, and keeps the answer out of the log',
      async (engine) => {
        const { connection, kinds } = await watched();
        connection.beginSilence();
        connection.cut(engine);
        connection.ask();
        await until(() => connection.answer === 'swallowed', SOON_MS);
        expect(kinds()).toEqual(['asked']);
      },
      TEST_MS,
    );

    it('hears the answer of who is not cut, which is no probe of the server', async () => {
      const { connection, kinds } = await watched();
      connection.beginSilence();
      connection.ask();
      await until(() => connection.answer === 'acknowledged', SOON_MS);
      expect(kinds()).toEqual(['asked']);
    });

    it('lifted, is held by a server that has not noticed', async () => {
      const { connection, kinds } = await watched();
      connection.beginSilence();
      connection.cut('min-ttl');
      connection.lift();
      await until(() => connection.answer === 'acknowledged', SOON_MS);
      connection.isHeld();
      expect(kinds()).toEqual(['asked', 'held']);
    });

    it('lifted, is gone for a server that gave it up meanwhile', async () => {
      const { connection, kinds, server } = await watched();
      connection.beginSilence();
      connection.cut('min-ttl');
      server.socket.resetAndDestroy();
      await until(() => kinds().includes('swallowed'), SOON_MS);
      connection.lift();
      await until(() => connection.ended === 'gone', SOON_MS);
      expect(kinds()).toEqual(['swallowed', 'asked', 'gone']);
    });

    it('lifted, hears the FIN of that time, which is said again', async () => {
      const { connection, kinds, server } = await watched();
      connection.beginSilence();
      connection.cut('min-ttl');
      server.socket.end();
      await until(() => kinds().includes('swallowed'), SOON_MS);
      connection.lift();
      await until(() => connection.ended === 'fin', SOON_MS);
      expect(kinds().at(-1)).toBe('fin');
    });

    it('asked for data, tells of the answer that is swallowed, not of its own question', async () => {
      const { connection, kinds, server } = await watched();
      server.socket.on('data', () => server.socket.write('answer'));
      connection.beginSilence();
      connection.cut('min-ttl');
      connection.say(Buffer.from('question'));
      // The answer and its repetitions; each repetition of the question draws a segment too.
      await until(() => kinds().length >= 5, SOON_MS);
      expect(new Set(kinds())).toEqual(new Set(['swallowed']));
      const fd = descriptorOf(connection.opened.socket) ?? -1;
      expect(kernel.drops(fd)).toBeGreaterThan(kinds().length);
    });

    it('knows of an end no better than its looks, and of no time after the last one', async () => {
      const { connection, events, server } = await watched();
      connection.beginSilence();
      const { silentMs } = connection;
      server.socket.resetAndDestroy();
      stall(STALL_MS);
      expect(connection.silentMs).toBe(silentMs);
      connection.look();
      expect(connection.silentMs).toBeGreaterThanOrEqual(silentMs + STALL_MS);
      expect(events.map(({ kind }) => kind)).toEqual(['reset']);
      expect(events[0]?.withinMs).toBeGreaterThanOrEqual(STALL_MS);
    });

    it('says how much earlier its last word may have left', async () => {
      const { peer } = await openPair();
      stall(STALL_MS);
      const opened = { socket: peer.socket, remote: peer.remote, addresses: [], tls: null };
      const connection = new WatchedConnection(kernel, opened, 'quiet', () => undefined);
      onTestFinished(() => connection.close());
      expect(connection.lastWordWithinMs).toBeGreaterThanOrEqual(STALL_MS);
      peer.socket.write('word');
      connection.look();
      stall(STALL_MS);
      connection.look();
      expect(connection.lastWordWithinMs).toBeLessThan(STALL_MS);
    });

    it.skipIf(lacks('socketFilter'))(
      'asked by a filter for data, has its question acknowledged and does not repeat it',
      async () => {
        const { connection, kinds, server } = await watched();
        server.socket.on('data', () => server.socket.write('answer'));
        connection.beginSilence();
        connection.cut('data-filter');
        connection.say(Buffer.from('question'));
        connection.look();
        await until(() => kinds().length >= 4, SOON_MS);
        expect(connection.repeatsWithinMs).toBe(0);
        expect(kernel.tcpInfo(server.fd)?.retransmits).toBeGreaterThan(0);
        expect(new Set(kinds())).toEqual(new Set(['swallowed']));
      },
    );

    it('that is not acknowledged asks again by itself, and says until when', async () => {
      const { connection, kinds } = await watched();
      connection.beginSilence();
      connection.cut('min-ttl');
      connection.say(Buffer.from('question'));
      await until(() => connection.repeatsWithinMs > 0, SOON_MS);
      await until(() => connection.repeatsWithinMs > 700, SOON_MS);
      connection.lift();
      await until(() => connection.answer === 'acknowledged', SOON_MS);
      expect(connection.repeatsWithinMs).toBe(0);
      expect(kinds().filter((kind) => kind === 'reset')).toEqual([]);
    });

    it('gives its place back at once, whatever it is cut by', async () => {
      const { connection, server } = await watched();
      connection.cut('min-ttl');
      server.socket.resume();
      connection.close();
      await until(() => server.socket.destroyed, SOON_MS);
    });
  },
);
