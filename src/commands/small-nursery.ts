import { setFlagsFromString } from 'node:v8';

/**
 * A server's garbage dies at once: a chunk, a frame, a write. V8 lets the space for it grow all the same,
 * to 32 MiB on Node 20 and 128 on 24: of 10,000 beating connections a third of what each takes.
 */
export function keepNurserySmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}
