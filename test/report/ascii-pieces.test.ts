import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AsciiPieces } from '../../src/report/ascii-pieces.js';

const out = new AsciiPieces();

function written(write: (out: AsciiPieces) => void): string {
  write(out);
  return Buffer.from(out.take()).toString('latin1');
}

describe('AsciiPieces', () => {
  it('writes every number as JSON has it', () => {
    const numbers = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer());
    fc.assert(
      fc.property(numbers, (number) => {
        expect(written((to) => to.number(number))).toBe(`${number}`);
      }),
    );
    const edges = [0, 9, 10, 99, 100, 2 ** 31 - 1, 2 ** 31, 2 ** 32, -1, 0.5];
    for (const edge of edges) expect(written((to) => to.number(edge))).toBe(`${edge}`);
  });

  it('takes what is longer than a piece', () => {
    const long = 'x'.repeat(1_000_000);
    out.text('before ');
    out.bytes(Buffer.from(long));
    expect(out.isFull).toBe(true);
    expect(Buffer.from(out.take()).toString() === `before ${long}`).toBe(true);
    out.text(long);
    expect(Buffer.from(out.take()).toString() === long).toBe(true);
    expect([out.isFull, out.take().length]).toEqual([false, 0]);
  });

  it('leaves alone what was taken', () => {
    out.text('first');
    const first = out.take();
    out.text('second');
    expect(Buffer.from(first).toString()).toBe('first');
  });

  it('writes over what is out', () => {
    const out = new AsciiPieces();
    const writes = ['first', 'second', 'third'].map((text) => {
      out.text(text);
      const piece = out.take();
      const words = Buffer.from(piece).toString();
      out.reuse();
      return { words, memory: piece.buffer, at: piece.byteOffset };
    });
    const [first, second, third] = writes;
    expect(writes.map(({ words }) => words)).toEqual(['first', 'second', 'third']);
    expect(third?.memory).toBe(first?.memory);
    expect(second?.memory).not.toBe(first?.memory);
  });
});
