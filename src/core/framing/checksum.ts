/**
 * Checksums of a payload, byte after byte. Of a sum that runs on over many bytes two values say what
 * the bytes between them add to another sum: so overlapping ranges are not summed one by one.
 */
export interface Checksum {
  /** How many bytes it is on the wire, the lower first. */
  readonly bytes: 0 | 1 | 2;
  readonly initial: number;
  add(sum: number, byte: number): number;
  /**
   * What `sum` is after `length` more bytes, over which a running sum went from `before` to `after`.
   */
  skip(sum: number, length: number, before: number, after: number): number;
}

export type ChecksumName = 'none' | 'sum8' | 'xor8' | 'crc16';

/** The reversed polynomial 0x8005, x^16 + x^15 + x^2 + 1. */
const MODBUS_POLYNOMIAL = 0xa001;

/** CRC of each byte alone. */
const CRC_OF_BYTE = Uint16Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = timesX(crc);
  return crc;
});

/** x^(8·2^k): multiplied by it, a CRC is that of 2^k zero bytes more. Beyond any frame's length. */
const CRC_OF_ZEROS = powers(20);

export const checksums: Readonly<Record<ChecksumName, Checksum>> = {
  none: { bytes: 0, initial: 0, add: () => 0, skip: () => 0 },
  /** Sum modulo 256: IEC 60870-5-1 FT1.2, and so M-Bus (EN 13757-2). */
  sum8: {
    bytes: 1,
    initial: 0,
    add: (sum, byte) => (sum + byte) & 0xff,
    skip: (sum, _, before, after) => (sum + after - before) & 0xff,
  },
  xor8: {
    bytes: 1,
    initial: 0,
    add: (sum, byte) => sum ^ byte,
    skip: (sum, _, before, after) => sum ^ before ^ after,
  },
  /** CRC-16/MODBUS (MODBUS over serial line V1.02, section 6.2.2): from 0xFFFF, "123456789" gives 0x4B37. */
  crc16: {
    bytes: 2,
    initial: 0xffff,
    add: (sum, byte) => (sum >> 8) ^ (CRC_OF_BYTE[(sum ^ byte) & 0xff] ?? 0),
    // A CRC is linear: that of a xor b is the xor of both.
    skip: (sum, length, before, after) => afterZeros(sum ^ before, length) ^ after,
  },
};

function afterZeros(crc: number, length: number): number {
  let product = crc;
  for (let left = length, power = 0; left > 0; left >>= 1, power++) {
    if ((left & 1) === 1) product = multiply(CRC_OF_ZEROS[power] ?? 0, product);
  }
  return product;
}

function powers(count: number): readonly number[] {
  const list = [0x0080];
  while (list.length < count) {
    const last = list.at(-1) ?? 0;
    list.push(multiply(last, last));
  }
  return list;
}

/** Two polynomials modulo ours; the highest bit is x^0. */
function multiply(left: number, right: number): number {
  let product = 0;
  for (let bit = 0x8000, times = right; bit > 0; bit >>= 1, times = timesX(times)) {
    if ((left & bit) !== 0) product ^= times;
  }
  return product;
}

function timesX(polynomial: number): number {
  return (polynomial >> 1) ^ ((polynomial & 1) === 1 ? MODBUS_POLYNOMIAL : 0);
}
