/**
 * The kernel's description of its own types (Documentation/bpf/btf.rst): where a member of a structure
 * stands in this build of it. Bytes in, numbers out; what it cannot read, it does not find.
 */
import { wordsOf } from './words.js';

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const MEMBER_WORDS = 3;

export const STRUCTURE = 4;
export const FUNCTION = 12;

/** By its kind: words of a type itself, and of each of its parts. */
const OWN_WORDS: readonly number[] = [3, 4, 3, 6, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 3, 3, 4, 3, 3];
const PART_WORDS: readonly number[] = [0, 0, 0, 0, 3, 3, 2, 0, 0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 3];

export interface BtfType {
  /** As the kernel counts them. */
  readonly id: number;
  readonly parts: number;
  readonly partsAt: number;
  readonly hasBitFields: boolean;
}

export class Btf {
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

  /** The first of each kind and name. */
  find<Name extends string>(wanted: Readonly<Record<Name, number>>): Map<Name, BtfType> {
    const found = new Map<Name, BtfType>();
    for (const name of Object.keys(wanted) as Name[]) {
      const type = this.#typeOf(this.#textAt(name), wanted[name]);
      if (type !== undefined) found.set(name, type);
    }
    return found;
  }

  /** Members have names as well: a type begins where the way through all of them leads. */
  #typeOf(name: number, kind: number): BtfType | undefined {
    const types = this.#types;
    for (let at = types.indexOf(name); at >= 0; at = types.indexOf(name, at + 1)) {
      const info = types[at + 1] ?? 0;
      const id = kindOf(info) === kind ? idOf(types, at) : undefined;
      if (id === undefined) continue;
      const [parts, partsAt] = [info & 0xffff, at + (OWN_WORDS[kind] ?? 0)];
      const isWhole = partsAt + parts * (PART_WORDS[kind] ?? 0) <= types.length;
      return isWhole ? { id, parts, partsAt, hasBitFields: info >>> 31 === 1 } : undefined;
    }
    return undefined;
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

/**
 * Of the type that begins there, as the kernel counts them; undefined: none does. There are 100,000 before the
 * last: nothing here but what it takes to step over one.
 */
function idOf(types: Uint32Array, wanted: number): number | undefined {
  for (let at = 0, id = 1; at <= wanted; id++) {
    if (at === wanted) return id;
    const info = types[at + 1] ?? 0;
    const own = OWN_WORDS[kindOf(info)];
    if (own === undefined) return undefined;
    at += own + (info & 0xffff) * (PART_WORDS[kindOf(info)] ?? 0);
  }
  return undefined;
}

function kindOf(info: number): number {
  return (info >>> 24) & 0x1f;
}
