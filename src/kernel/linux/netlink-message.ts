/** Netlink messages as bytes (netlink(7)): headers and attributes, whatever they are about. */

export const NLMSG_HEADER_BYTES = 16;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
/** The table changed while it was dumped (NLM_F_DUMP_INTR): something may be missing, or twice. */
export const NLM_F_DUMP_INTR = 0x10;

/** `struct nlattr`: u16 length with this header, u16 type. */
const ATTRIBUTE_HEADER_BYTES = 4;

/** Zeros behind a `struct nlmsghdr`. */
export function messageOf(length: number, type: number, flags: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32LE(length, 0);
  bytes.writeUInt16LE(type, 4);
  bytes.writeUInt16LE(NLM_F_REQUEST | flags, 6);
  return bytes;
}

/** The same, and attributes behind its `fixed` bytes: by their type, each as it is in memory. */
export function messageWith(
  type: number,
  fixed: Uint8Array,
  attributes: readonly (readonly [type: number, value: Uint8Array])[],
  flags = 0,
): Buffer {
  const behind = attributes.map(([attributeType, value]) => {
    const bytes = Buffer.alloc(ATTRIBUTE_HEADER_BYTES + align(value.length));
    bytes.writeUInt16LE(ATTRIBUTE_HEADER_BYTES + value.length, 0);
    bytes.writeUInt16LE(attributeType, 2);
    bytes.set(value, ATTRIBUTE_HEADER_BYTES);
    return bytes;
  });
  const body = Buffer.concat([fixed, ...behind]);
  const bytes = messageOf(NLMSG_HEADER_BYTES + body.length, type, flags);
  bytes.set(body, NLMSG_HEADER_BYTES);
  return bytes;
}

/** The kernel's errno, 0 where it acknowledges or says nothing; undefined: it is an answer. */
export function refusalIn(reply: Buffer): number | undefined {
  if (reply.length < NLMSG_HEADER_BYTES + 4) return 0;
  return reply.readUInt16LE(4) === NLMSG_ERROR ? Math.abs(reply.readInt32LE(16)) : undefined;
}

/** Where the value of an attribute begins; undefined: there is none, or it has fewer bytes. */
export function attribute(
  view: DataView,
  from: number,
  type: number,
  fewestBytes: number,
): number | undefined {
  for (let at = from; at + ATTRIBUTE_HEADER_BYTES <= view.byteLength;) {
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > view.byteLength) return undefined;
    if (view.getUint16(at + 2, true) === type) {
      const value = at + ATTRIBUTE_HEADER_BYTES;
      return length < ATTRIBUTE_HEADER_BYTES + fewestBytes ? undefined : value;
    }
    at += align(length);
  }
  return undefined;
}

/** NLMSG_ALIGN, linux/netlink.h. */
export function align(length: number): number {
  return length + (-length & 3);
}

/** Buffer's own readers take several times as long. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
