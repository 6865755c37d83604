import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { availableParallelism, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { HostSocket } from '../../../src/core/socket.js';
import { surveyEach } from '../../../src/host/survey.js';
import type { SocketTable } from '../../../src/kernel/socket-view.js';
import { dumpAhead } from '../../../src/kernel/linux/dump-ahead.js';
import { LinuxKernel } from '../../../src/kernel/linux/linux-kernel.js';
import { loadLibc } from '../../../src/kernel/linux/libc.js';
import { SharedDump } from '../../../src/kernel/linux/shared-dump.js';
import { decodeSockets } from '../../../src/kernel/linux/sock-diag.js';
import { SurveyLines } from '../../../src/report/survey-lines.js';
import { kernel, lacks } from '../../real-kernel.js';
import { captured } from './captured.js';

const MANY = 5000;
const BUILT = resolve('dist/dump-thread.cjs');

const dumps = [captured('sock-diag-dump-ipv4'), captured('sock-diag-dump-ipv6')];

function shared(pieces: readonly Uint8Array[]): SharedDump {
  const dump = SharedDump.withRoom(100_000);
  for (const piece of pieces) dump.keep(piece);
  return dump;
}

describe('SharedDump', () => {
  it('is read as often as one likes, as it was written', () => {
    const dump = shared(dumps);
    dump.end(false);
    const sockets = [...decodeSockets(dumps)];
    expect([...decodeSockets(dump.pieces())]).toEqual(sockets);
    expect([...decodeSockets(dump.pieces())]).toEqual(sockets);
    expect(dump.torn).toBe(false);
  });

  it('is read while it grows', () => {
    const [first = Buffer.of(), second = Buffer.of()] = dumps;
    const dump = shared([first]);
    const pieces = dump.pieces();
    expect(Buffer.from(pieces.next().value ?? []).equals(first)).toBe(true);
    dump.keep(second);
    dump.end(false);
    expect(Buffer.from(pieces.next().value ?? []).equals(second)).toBe(true);
    expect(pieces.next().done).toBe(true);
  });

  it('aligns what follows a piece of an odd length', () => {
    const dump = shared([Buffer.alloc(5, 1), Buffer.alloc(1, 2)]);
    dump.end(false);
    expect([...dump.pieces()].map((piece) => [...piece])).toEqual([
      [1, 1, 1, 1, 1, 0, 0, 0, 2, 0, 0, 0],
    ]);
  });

  it('is torn when it was, when it does not fit, and when nothing comes any more', () => {
    const torn = shared(dumps);
    torn.end(true);
    expect(torn.torn).toBe(true);
    expect(() => SharedDump.withRoom(100).keep(Buffer.alloc(101))).toThrow(RangeError);
    const { memory } = shared(dumps);
    const abandoned = new SharedDump(memory, 1);
    expect([...decodeSockets(abandoned.pieces())]).toHaveLength(5);
    expect(abandoned.torn).toBe(true);
  });
});

describe.skipIf(lacks('sockDiag'))('a table that comes', () => {
  it('makes the same survey, byte for byte, as one that is there', () => {
    const dump = shared(dumps);
    dump.end(false);
    const coming = { sockets: { [Symbol.iterator]: () => decodeSockets(dump.pieces()) } };
    const there = { sockets: [...decodeSockets(dumps)] };
    expect(written({ ...coming, torn: false, isComing: true })).toBe(
      written({ ...there, torn: false }),
    );
  });

  it.skipIf(availableParallelism() < 2)(
    'has every socket, once, and the next is a new one',
    async () => {
      const libc = await loadLibc();
      if (libc === undefined) throw new Error('no koffi');
      const server = createServer().listen(0, '127.0.0.1');
      onTestFinished(() => void server.close());
      await once(server, 'listening');
      const { port } = server.address() as AddressInfo;
      const ours = (table: SocketTable) =>
        [...table.sockets].filter((socket: HostSocket) => socket.local.port === port);
      const ahead = dumpAhead(MANY, BUILT);
      expect(ahead).toBeDefined();
      const reading = new LinuxKernel(libc, ahead);
      const table = reading.tcpSockets();
      expect(table.isComing).toBe(true);
      const [found] = ours(table);
      expect(found).toMatchObject({ state: 'LISTEN' });
      expect(ours(table)).toHaveLength(1);
      const next = reading.tcpSockets();
      expect(next.isComing).toBe(undefined);
      expect(ours(next).map(({ cookie }) => cookie)).toEqual([found?.cookie]);
    },
  );
});

describe('dumpAhead', () => {
  it('starts no thread for few sockets, and none that is not there', () => {
    expect(dumpAhead(MANY - 1, BUILT)).toBe(undefined);
    expect(dumpAhead(MANY, '/nonexistent/dump-thread.cjs')).toBe(undefined);
  });

  it.skipIf(availableParallelism() < 2)('takes a thread that breaks for a torn dump', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tcpalive-thread-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const broken = join(folder, 'broken.cjs');
    writeFileSync(broken, 'throw new Error("broken")');
    const dump = dumpAhead(MANY, broken);
    expect([...(dump?.pieces() ?? [])]).toEqual([]);
    expect(dump?.torn).toBe(true);
  });
});

/** Of a survey of that table, what there is of each connection. */
function written(table: SocketTable): string {
  const lines = new SurveyLines('json');
  const looking = Object.assign(Object.create(kernel) as typeof kernel, {
    tcpSockets: () => table,
  });
  const facts = surveyEach(looking, { selection: {}, owners: false }, (each) => lines.add(each));
  const takenAt = '2026-11-20T14:02:07.123Z';
  return Buffer.concat([...lines.worstFirst({ ...facts, takenAt })]).toString();
}
