/**
 * The kernel's description of its own types (Documentation/bpf/btf.rst): where a member of a structure
 * stands in this build of it. Bytes in, numbers out; what it cannot read, it does not find.
 */

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const TYPE_BYTES = 12;
const MEMBER_BYTES = 12;

export const STRUCTURE = 4;
export const FUNCTION = 12;

/** What follows a type's own bytes, by its kind: at all events, and for each of its parts. */
const following: readonly (readonly [always: number, each: number])[] = [
  [0, 0],
  [4, 0],
  [0, 0],
  [12, 0],
  [0, MEMBER_BYTES],
  [0, MEMBER_BYTES],
  [0, 8],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 0],
  [0, 8],
  [4, 0],
  [0, 12],
  [0, 0],
  [4, 0],
  [0, 0],
  [0, 12],
];

export interface BtfType {
  /** As the kernel counts them. */
  readonly id: number;
  readonly parts: number;
  readonly partsAt: number;
  readonly hasBitFields: boolean;
}

export class Btf {
  readonly #types: DataView;
  readonly #texts: Buffer;

  /** Of anything else than BTF there are no types. */
  constructor(bytes: Buffer) {
    const isBtf = bytes.length >= HEADER_BYTES && bytes.readUInt16LE(0) === MAGIC;
    const word = (at: number) => (isBtf ? bytes.readUInt32LE(at) : 0);
    const section = (at: number) => {
      const from = word(4) + word(at);
      return bytes.subarray(from, from + word(at + 4));
    };
    const types = section(8);
    this.#types = new DataView(types.buffer, types.byteOffset, types.length);
    this.#texts = section(16);
  }

  /** The first of each kind and name; the largest file that a kernel has is walked through once. */
  find<Name extends string>(wanted: Readonly<Record<Name, number>>): Map<Name, BtfType> {
    const found = new Map<Name, BtfType>();
    const names = new Map(
      (Object.keys(wanted) as Name[]).map((name) => [this.#textAt(name), name]),
    );
    const types = this.#types;
    for (let at = 0, id = 1; at + TYPE_BYTES <= types.byteLength; id++) {
      const name = names.get(types.getUint32(at, true));
      const info = types.getUint32(at + 4, true);
      const kind = (info >>> 24) & 0x1f;
      const parts = info & 0xffff;
      const [always, each] = following[kind] ?? [];
      if (always === undefined || each === undefined) break;
      const partsAt = at + TYPE_BYTES + always;
      at = partsAt + parts * each;
      if (
        name !== undefined &&
        kind === wanted[name] &&
        !found.has(name) &&
        at <= types.byteLength
      ) {
        found.set(name, { id, parts, partsAt, hasBitFields: info >>> 31 === 1 });
      }
    }
    return found;
  }

  /** In bytes; undefined where it has no such member of its own. */
  offsetOf({ parts, partsAt, hasBitFields }: BtfType, member: string): number | undefined {
    const name = this.#textAt(member);
    for (let at = partsAt; at < partsAt + parts * MEMBER_BYTES; at += MEMBER_BYTES) {
      if (this.#types.getUint32(at, true) !== name) continue;
      const bits = this.#types.getUint32(at + 8, true) & (hasBitFields ? 0xff_ffff : 0x7fff_ffff);
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
