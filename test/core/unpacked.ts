import type { Decoded } from '../../src/core/frame.js';

/** With the payloads in place of the frames: to be compared. */
export function unpacked({ frames, skippedBytes, violation }: Decoded) {
  return { frames: frames.payloads(), skippedBytes, violation };
}
