/**
 * Bytes as words of four, in the host's order, which is little endian wherever Node runs: a DataView, unless what
 * reads it is compiled already, takes four times as long.
 * @returns where they stand, or in a place of their own when that is between two words; of what is left over nothing
 */
export function wordsOf(bytes: Uint8Array): Uint32Array {
  const length = Math.floor(bytes.length / 4);
  const { buffer, byteOffset } = bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes);
  return new Uint32Array(buffer, byteOffset, length);
}
