import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Owners } from '../../src/host/owners.js';

const inode = fc.oneof(
  fc.integer({ min: 1, max: 30 }),
  // The same last bits, and a row of them.
  fc.integer({ min: 0, max: 30 }).map((row) => 0xffff_ffff - row * 0x1000),
  fc.integer({ min: 1, max: 0xffff_ffff }),
);
const held = fc.tuple(fc.integer({ min: 1, max: 9 }), fc.nat(0xffff), inode);

it('names the first that holds each socket, and nobody for any other', () => {
  fc.assert(
    fc.property(fc.array(held, { maxLength: 200 }), fc.array(inode), (records, others) => {
      const owners = new Owners({ numbers: Uint32Array.from(records.flat()), hidden: 2 });
      expect(owners).toMatchObject({ size: records.length, hidden: 2 });
      for (const wanted of [...records.map(([, , each]) => each), ...others]) {
        const first = records.find(([, , each]) => each === wanted);
        expect(owners.of(wanted)).toEqual(first && { pid: first[0], fd: first[1] });
      }
    }),
  );
});

it('finds each of thousands whose inodes come in rows a power of two apart', () => {
  const inodes = Array.from({ length: 20_000 }, (_, at) => (at % 4) * 2 ** 20 + (at >> 2) + 1);
  const numbers = Uint32Array.from(inodes.flatMap((each, fd) => [1, fd, each]));
  const owners = new Owners({ numbers, hidden: 0 });
  expect(inodes.map((each) => owners.of(each)?.fd)).toEqual([...inodes.keys()]);
  expect(owners.of(2 ** 20)).toBe(undefined);
});
