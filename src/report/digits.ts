/** Whole numbers of 32 bits as the bytes of their digits. */

const DIGIT_0 = 0x30;
const LETTER_A = 0x61;

export const LARGEST_WORD = 0xffff_ffff;
export const MOST_DIGITS = 10;
const WORD_HEX_DIGITS = 8;

export function digitsOf(word: number): number {
  let digits = 1;
  for (let more = 10; word >= more; more *= 10) digits++;
  return digits;
}

/** @param end where the next byte behind it stands */
export function putDigits(bytes: Uint8Array, end: number, word: number): void {
  let at = end;
  let rest = word;
  do {
    const tenth = (rest / 10) >>> 0;
    bytes[--at] = DIGIT_0 + rest - tenth * 10;
    rest = tenth;
  } while (rest > 0);
}

/** Of 64 bits in two words, without zeros in front. */
export function hexDigitsOf(low: number, high: number): number {
  return high === 0 ? Math.max(1, wordHexDigits(low)) : WORD_HEX_DIGITS + wordHexDigits(high);
}

/** @param end where the next byte behind it stands */
export function putHexDigits(bytes: Uint8Array, end: number, low: number, high: number): void {
  const digits = hexDigitsOf(low, high);
  let rest = low;
  for (let put = 1; put <= digits; put++) {
    const digit = rest & 0xf;
    bytes[end - put] = (digit < 10 ? DIGIT_0 : LETTER_A - 10) + digit;
    rest = put === WORD_HEX_DIGITS ? high : rest >>> 4;
  }
}

function wordHexDigits(word: number): number {
  return (35 - Math.clz32(word)) >>> 2;
}
