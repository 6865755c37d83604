/** An idle connection that is put aside is the one that is read at once, to the millisecond. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { HostSocket } from '../../../src/core/socket.js';
import { ENTRY_WORDS, SocketDecoder } from '../../../src/kernel/linux/socket-decoder.js';
import { wordsOf } from '../../../src/kernel/linux/words.js';
import { captured } from './captured.js';

const HEADER_BYTES = 16;
const ENTRY_BYTES = 4 * ENTRY_WORDS;
/** Of what was captured: a listener, then three idle connections. */
const [, established] = messages(captured('sock-diag-dump-ipv6'));

function messages(bytes: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + HEADER_BYTES + ENTRY_BYTES <= bytes.length; at += bytes.readUInt32LE(at)) {
    found.push(bytes.subarray(at + HEADER_BYTES, at + bytes.readUInt32LE(at)));
  }
  return found;
}

const word = fc.oneof(fc.nat(3), fc.nat(0xffff_ffff));
const figures = fc.record({
  family: fc.constantFrom<number>(2, 10),
  state: fc.constantFrom<number>(1, 2, 4, 5, 8),
  timer: fc.constantFrom<number>(0, 0, 0, 1, 2, 4),
  retransmissions: fc.nat(2),
  words: fc.array(fc.tuple(fc.integer({ min: 1, max: ENTRY_WORDS - 1 }), word), { maxLength: 12 }),
  probes: fc.nat(2),
  rttMicroseconds: fc.nat(3000),
  silences: fc.tuple(word, word),
});

type Figures = typeof figures extends fc.Arbitrary<infer Each> ? Each : never;

function message(each: Figures): Uint32Array {
  const bytes = Buffer.from(established ?? []);
  bytes.set([each.family, each.state, each.timer, each.retransmissions]);
  for (const [at, value] of each.words) bytes.writeUInt32LE(value, 4 * at);
  const info = infoAt(bytes);
  bytes.writeUInt8(each.probes, info + 3);
  bytes.writeUInt32LE(each.silences[0], info + 52);
  bytes.writeUInt32LE(each.silences[1], info + 56);
  bytes.writeUInt32LE(each.rttMicroseconds, info + 68);
  return wordsOf(bytes);
}

/** Of INET_DIAG_INFO, behind its header. */
function infoAt(bytes: Buffer): number {
  let at = ENTRY_BYTES;
  while (bytes.readUInt16LE(at + 2) !== 2) at += (bytes.readUInt16LE(at) + 3) & ~3;
  return at + 4;
}

function toTheMillisecond({ info, ...socket }: HostSocket): object {
  return { ...socket, info: info && { ...info, rttMs: Math.round(info.rttMs) } };
}

it('is put aside, and as it was', () => {
  fc.assert(
    fc.property(fc.array(figures, { maxLength: 20 }), (each) => {
      const decoder = new SocketDecoder();
      const sockets = each.map(message).flatMap((words) => {
        const socket = new SocketDecoder().decode(words, 0, words.length);
        const isIdle = decoder.takeIdle(words, 0, words.length);
        expect(isIdle).toBe(socket.timer.kind === 'none' && socket.info !== null);
        return isIdle ? [socket] : [];
      });
      expect([...decoder.idle].map(toTheMillisecond)).toEqual(sockets.map(toTheMillisecond));
    }),
  );
});

it('is put aside among those of its sort alone', () => {
  const decoder = new SocketDecoder();
  const quiet = { family: 2, state: 1, timer: 0, retransmissions: 0, probes: 0, words: [] };
  const take = (rttMicroseconds: number, ...words: [number, number][]) => {
    const bytes = message({ ...quiet, words, rttMicroseconds, silences: [0, 0] });
    decoder.takeIdle(bytes, 0, bytes.length);
  };
  for (let inode = 1; inode < 100; inode++) take(1000 + inode, [17, inode]);
  expect(decoder.idle.sorts).toHaveLength(1);
  take(1500, [17, 1]);
  take(1000, [17, 0]);
  take(1000, [16, 7]);
  expect(decoder.idle.sorts).toHaveLength(4);
  take(1000, [17, 3]);
  expect(decoder.idle.sorts).toHaveLength(4);
});

it.each<[string, Partial<Figures>]>([
  ['state', { state: 8 }],
  ['interface', { words: [[10, 1]] }],
  ['send queue', { words: [[15, 1]] }],
  ['user', { words: [[16, 1]] }],
  ['holder', { words: [[17, 0]] }],
  ['round trip', { rttMicroseconds: 2000 }],
  ['unanswered probes', { probes: 1 }],
])('is told from the one before by its %s alone', (_, other) => {
  const plain = { family: 2, state: 1, timer: 0, retransmissions: 0, probes: 0 };
  const quiet: Figures = { ...plain, words: [], rttMicroseconds: 0, silences: [0, 0] };
  const decoder = new SocketDecoder();
  const each = [quiet, { ...quiet, ...other }, quiet].map(message);
  for (const words of each) decoder.takeIdle(words, 0, words.length);
  const sockets = each.map((words) => new SocketDecoder().decode(words, 0, words.length));
  expect([...decoder.idle]).toEqual(sockets);
  expect(decoder.idle.sorts).toHaveLength(2);
});
