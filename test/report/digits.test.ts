import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digitsOf, hexDigitsOf, putDigits, putHexDigits } from '../../src/report/digits.js';

const word = fc.oneof(
  fc.nat(0xffff_ffff),
  fc.nat(20),
  fc.constantFrom(99_999_999, 100_000_000, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1),
);

/** Between what must stay as it is. */
function put(digits: number, write: (bytes: Uint8Array, end: number) => void): string {
  const bytes = Buffer.from(`<${' '.repeat(digits)}>`);
  write(bytes, 1 + digits);
  return bytes.toString('latin1');
}

it('writes every number of 32 bits', () => {
  fc.assert(
    fc.property(word, (number) => {
      const text = put(digitsOf(number), (bytes, end) => putDigits(bytes, end, number));
      expect(text).toBe(`<${number}>`);
    }),
  );
});

it('writes every number of 64 bits in hex', () => {
  fc.assert(
    fc.property(word, word, (low, high) => {
      const text = put(hexDigitsOf(low, high), (bytes, end) => putHexDigits(bytes, end, low, high));
      expect(text).toBe(`<${((BigInt(high) << 32n) + BigInt(low)).toString(16)}>`);
    }),
  );
});
