import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checksums, type Checksum } from '../../../src/core/framing/checksum.js';

const sum = (checksum: Checksum, bytes: Uint8Array, from = checksum.initial) =>
  bytes.reduce((so, byte) => checksum.add(so, byte), from);
const text = (said: string) => Buffer.from(said);

describe('checksums', () => {
  it('crc16 is CRC-16/MODBUS', () => {
    expect(sum(checksums.crc16, text('123456789'))).toBe(0x4b37);
    expect(sum(checksums.crc16, text(''))).toBe(0xffff);
    // A request for holding registers: its CRC follows as 84 0a.
    expect(sum(checksums.crc16, Buffer.from('010300000001', 'hex'))).toBe(0x0a84);
  });

  it('sum8 and xor8 are taken modulo 256', () => {
    expect(sum(checksums.sum8, Uint8Array.of(0xff, 0x02))).toBe(0x01);
    expect(sum(checksums.xor8, Uint8Array.of(0xff, 0x02))).toBe(0xfd);
  });

  it.each(Object.entries(checksums))(
    '%s comes to the same whether bytes are summed or skipped',
    (_, checksum) => {
      const any = fc.uint8Array({ maxLength: 70 });
      fc.assert(
        fc.property(any, any, any, fc.nat({ max: 0xffff }), ([...first], between, last, noted) => {
          const whole = Uint8Array.from([...first, ...between, ...last]);
          const start = noted & (checksum.bytes === 2 ? 0xffff : checksum.bytes * 0xff);
          const after = sum(checksum, between, start);
          const so = checksum.skip(
            sum(checksum, Uint8Array.from(first)),
            between.length,
            start,
            after,
          );
          expect(sum(checksum, last, so)).toBe(sum(checksum, whole));
        }),
      );
    },
  );
});
