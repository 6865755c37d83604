import { readFileSync } from 'node:fs';

/** Bytes that a real kernel wrote; the file's first line says which, and in what state. */
export function captured(name: string): Buffer {
  const text = readFileSync(
    new URL(`../../../fixtures/kernel/${name}.hex`, import.meta.url),
    'latin1',
  );
  return Buffer.from(text.replace(/^#.*$/gm, '').replace(/\s/g, ''), 'hex');
}
