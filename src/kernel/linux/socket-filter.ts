/** Classic BPF programs as bytes: `struct sock_filter`, linux/filter.h. */

/** Bytes of one `struct sock_filter`: u16 code, u8 jt, u8 jf, u32 k. */
const INSTRUCTION_BYTES = 8;

/** RET 0: the kernel drops every segment before TCP sees it. No ACK, no RST, no ICMP. */
export const DROP_ALL = program([{ code: 0x06, jt: 0, jf: 0, k: 0 }]);

/** RET -1: everything passes. For trying whether filters may be attached at all. */
export const PASS_ALL = program([{ code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff }]);

/**
 * Only FIN and RST pass: LDB [13], the flags of the TCP header, where a socket's data begins
 * (sk_filter_trim_cap in tcp_v4_rcv); JSET FIN|RST; RET -1; RET 0.
 */
export const PASS_GOODBYES = program([
  { code: 0x30, jt: 0, jf: 0, k: 13 },
  { code: 0x45, jt: 0, jf: 1, k: 0x05 },
  { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff },
  { code: 0x06, jt: 0, jf: 0, k: 0 },
]);

/**
 * What carries data is dropped, but for FIN and RST: LDB [13]; JSET FIN|RST; LDB [12], the data
 * offset in its upper half; RSH 4; LSH 2; TAX; LD LEN; JGT X; RET 0; RET -1.
 */
export const DROP_DATA = program([
  { code: 0x30, jt: 0, jf: 0, k: 13 },
  { code: 0x45, jt: 7, jf: 0, k: 0x05 },
  { code: 0x30, jt: 0, jf: 0, k: 12 },
  { code: 0x74, jt: 0, jf: 0, k: 4 },
  { code: 0x64, jt: 0, jf: 0, k: 2 },
  { code: 0x07, jt: 0, jf: 0, k: 0 },
  { code: 0x80, jt: 0, jf: 0, k: 0 },
  { code: 0x2d, jt: 0, jf: 1, k: 0 },
  { code: 0x06, jt: 0, jf: 0, k: 0 },
  { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff },
]);

/** SKF_AD_OFF + SKF_AD_RANDOM: not data of the segment but a random word. */
const RANDOM_WORD = 0x1_0000_0000 - 0x1000 + 56;

/** Drops that share of all segments, 0 to 1: LD W ABS random; JGE threshold; RET -1; RET 0. */
export function dropShare(share: number): Buffer {
  const threshold = Math.min(0xffff_ffff, Math.round(share * 0x1_0000_0000));
  if (share >= 1) return DROP_ALL;
  return program([
    { code: 0x20, jt: 0, jf: 0, k: RANDOM_WORD },
    { code: 0x35, jt: 0, jf: 1, k: threshold },
    { code: 0x06, jt: 0, jf: 0, k: 0xffff_ffff },
    { code: 0x06, jt: 0, jf: 0, k: 0 },
  ]);
}

interface Instruction {
  readonly code: number;
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

function program(instructions: readonly Instruction[]): Buffer {
  const bytes = Buffer.alloc(instructions.length * INSTRUCTION_BYTES);
  instructions.forEach(({ code, jt, jf, k }, index) => {
    const at = index * INSTRUCTION_BYTES;
    bytes.writeUInt16LE(code, at);
    bytes.writeUInt8(jt, at + 2);
    bytes.writeUInt8(jf, at + 3);
    bytes.writeUInt32LE(k, at + 4);
  });
  return bytes;
}

/** `struct sock_fprog` on 64-bit machines: u16 len, padding, pointer. */
export function filterProgram(instructions: Buffer, address: bigint): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(instructions.length / INSTRUCTION_BYTES, 0);
  bytes.writeBigUInt64LE(address, 8);
  return bytes;
}
