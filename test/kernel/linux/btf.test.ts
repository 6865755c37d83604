import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Btf, FUNCTION, STRUCTURE } from '../../../src/kernel/linux/btf.js';

const INT = 1;
const ENUMERATION = 6;
const UNKNOWN = 31;

/** `u32 name, u32 info, u32 size`, and what follows. */
function type(name: number, kind: number, parts: number, ...rest: readonly number[]): number[] {
  return [name, (kind << 24) | parts, 0, ...rest];
}

function btf(texts: readonly string[], types: readonly number[]): Btf {
  const words = Buffer.from(Uint32Array.from(types).buffer);
  const strings = Buffer.from(`\0${texts.join('\0')}\0`);
  const header = Buffer.alloc(24);
  header.writeUInt16LE(0xeb9f, 0);
  header.writeUInt32LE(24, 4);
  header.writeUInt32LE(words.length, 12);
  header.writeUInt32LE(words.length, 16);
  header.writeUInt32LE(strings.length, 20);
  return new Btf(Buffer.concat([header, words, strings]));
}

// Where each text begins: behind the empty one.
const texts = ['file', 'f_inode', 'flags', 'tell'];
const [FILE, F_INODE, FLAGS, TELL] = [1, 6, 14, 20];

describe('Btf', () => {
  const types = [
    ...type(FILE, INT, 0, 0x20),
    ...type(0, ENUMERATION, 1, FLAGS, 7),
    ...type(FILE, STRUCTURE, 2, FLAGS, 1, 4, F_INODE, 1, 256),
    ...type(TELL, FUNCTION, 0),
    ...type(FILE, STRUCTURE, 0),
  ];

  it('finds the first of a kind by its name, as the kernel numbers it', () => {
    const found = btf(texts, types).find({ file: STRUCTURE, tell: FUNCTION, other: FUNCTION });
    expect(found.get('file')).toMatchObject({ id: 3, parts: 2 });
    expect(found.get('tell')?.id).toBe(4);
    expect([...found.keys()]).not.toContain('other');
  });

  it('tells where a member stands, in bytes; of a bit field nothing', () => {
    const read = btf(texts, types);
    const file = read.find({ file: STRUCTURE }).get('file');
    if (file === undefined) throw new Error('not found');
    expect(read.offsetOf(file, 'f_inode')).toBe(32);
    expect(read.offsetOf(file, 'flags')).toBe(undefined);
    expect(read.offsetOf(file, 'other')).toBe(undefined);
  });

  it('takes a place of 24 bits where a structure has bit fields', () => {
    const hasBitFields = (STRUCTURE << 24) | (1 << 31) | 1;
    const read = btf(texts, [FILE, hasBitFields, 0, F_INODE, 1, (3 << 24) | 64]);
    const file = read.find({ file: STRUCTURE }).get('file');
    if (file === undefined) throw new Error('not found');
    expect(read.offsetOf(file, 'f_inode')).toBe(8);
  });

  it('finds nothing behind a kind that it does not know, nor in what is cut short', () => {
    const behind = [...type(0, UNKNOWN, 0), ...type(TELL, FUNCTION, 0)];
    expect(btf(texts, behind).find({ tell: FUNCTION }).size).toBe(0);
    const cut = type(FILE, STRUCTURE, 2, FLAGS, 1, 4);
    expect(btf(texts, cut).find({ file: STRUCTURE }).size).toBe(0);
    expect(new Btf(Buffer.from('no BTF')).find({ file: STRUCTURE }).size).toBe(0);
  });

  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(0xffff_ffff), { maxLength: 60 }), (words) => {
        const read = btf(texts, words);
        const found = read.find({ file: STRUCTURE, tell: FUNCTION });
        for (const each of found.values()) read.offsetOf(each, 'f_inode');
        return true;
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        new Btf(Buffer.from([0x9f, 0xeb, ...bytes])).find({ file: STRUCTURE });
        return true;
      }),
    );
  });

  const KERNELS = '/sys/kernel/btf/vmlinux';

  it.skipIf(!existsSync(KERNELS))("reads the running kernel's", () => {
    const read = new Btf(readFileSync(KERNELS));
    const found = read.find({ task_struct: STRUCTURE, ethhdr: STRUCTURE });
    expect(found.size).toBe(2);
    const ethernet = found.get('ethhdr');
    if (ethernet === undefined) throw new Error('not found');
    // h_dest, h_source and h_proto of the wire.
    expect(['h_dest', 'h_source', 'h_proto'].map((name) => read.offsetOf(ethernet, name))).toEqual([
      0, 6, 12,
    ]);
  });
});
