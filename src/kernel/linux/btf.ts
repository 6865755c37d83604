/**
 * The kernel's description of its own types (Documentation/bpf/btf.rst): where a member of a structure
 * stands in this build of it. Bytes in, numbers out; what it cannot read, it does not find.
 */

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const TYPE_WORDS = 3;
const MEMBER_WORDS = 3;

export const STRUCTURE = 4;
export const FUNCTION = 12;

/** What follows a type's own words, by its kind: at all events, and for each of its parts. */
const following: readonly (readonly [always: number, each: number])[] = [
  [0, 0],
  [1, 0],
  [0, 0],
  [3, 0],
  [0, MEMBER_WORDS],
  [0, MEMBER_WORDS],
  [0, 2],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 2],
  [1, 0],
  [0, 3],
  [0, 0],
  [1, 0],
  [0, 0],
  [0, 3],
];

export interface BtfType {
  /** As the kernel counts them. */
  readonly id: number;
  readonly parts: number;
  readonly partsAt: number;
  readonly hasBitFields: boolean;
}

export class Btf {
  /** In words of four bytes, in the host's order: a DataView, unless it is compiled already, takes four times as long. */
  readonly #types: Uint32Array;
  readonly #texts: Buffer;

  /** Of anything else than BTF there are no types. */
  constructor(bytes: Buffer) {
    const isBtf = bytes.length >= HEADER_BYTES && bytes.readUInt16LE(0) === MAGIC;
    const word = (at: number) => (isBtf ? bytes.readUInt32LE(at) : 0);
    const section = (at: number) => {
      const from = word(4) + word(at);
      return bytes.subarray(from, from + word(at + 4));
    };
    this.#types = wordsOf(section(8));
    this.#texts = section(16);
  }

  /** The first of each kind and name; the largest file that a kernel has is walked through until all are found. */
  find<Name extends string>(wanted: Readonly<Record<Name, number>>): Map<Name, BtfType> {
    const found = new Map<Name, BtfType>();
    const names = new Map(
      (Object.keys(wanted) as Name[]).map((name) => [this.#textAt(name), name]),
    );
    const types = this.#types;
    for (let at = 0, id = 1; at + TYPE_WORDS <= types.length && found.size < names.size; id++) {
      const name = names.get(types[at] ?? 0);
      const info = types[at + 1] ?? 0;
      const kind = (info >>> 24) & 0x1f;
      const parts = info & 0xffff;
      const follows = following[kind];
      if (follows === undefined) break;
      // Not taken apart: an iterator for each of 60,000 types takes as long as all the rest.
      const partsAt = at + TYPE_WORDS + follows[0];
      at = partsAt + parts * follows[1];
      if (name !== undefined && kind === wanted[name] && !found.has(name) && at <= types.length) {
        found.set(name, { id, parts, partsAt, hasBitFields: info >>> 31 === 1 });
      }
    }
    return found;
  }

  /** In bytes; undefined where it has no such member of its own. */
  offsetOf({ parts, partsAt, hasBitFields }: BtfType, member: string): number | undefined {
    const name = this.#textAt(member);
    for (let at = partsAt; at < partsAt + parts * MEMBER_WORDS; at += MEMBER_WORDS) {
      if (this.#types[at] !== name) continue;
      const bits = (this.#types[at + 2] ?? 0) & (hasBitFields ? 0xff_ffff : 0x7fff_ffff);
      return bits % 8 === 0 ? bits / 8 : undefined;
    }
    return undefined;
  }

  /** Every text is there once; -1, which names nothing: it is not there. */
  #textAt(text: string): number {
    const at = this.#texts.indexOf(`\0${text}\0`, 0, 'latin1');
    return at < 0 ? -1 : at + 1;
  }
}

/** Where they stand, or in a place of their own when that is between two words. */
function wordsOf(bytes: Buffer): Uint32Array {
  const length = Math.floor(bytes.length / 4);
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(buffer, byteOffset, length);
}
