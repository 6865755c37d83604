import { PassThrough, Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OneAtATime } from '../../src/commands/one-at-a-time.js';

describe('one piece at a time', () => {
  it('is written at once where there is room', () => {
    const stream = new PassThrough({ highWaterMark: 1024 });
    const pieces = new OneAtATime(stream);
    expect(pieces.write('one\n')).toBe(true);
    expect(pieces.write('two\n')).toBe(true);
    expect(String(stream.read())).toBe('one\ntwo\n');
  });

  it('is in order and never glued to another, however slowly it is taken', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ minLength: 1 }), { minLength: 1 }),
        fc.boolean(),
        async (pieces, decoded) => {
          const got: string[] = [];
          const slow = new Writable({
            decodeStrings: decoded,
            write(chunk, _encoding, done) {
              got.push(String(chunk));
              setImmediate(done);
            },
            writev(chunks, done) {
              got.push(chunks.map(({ chunk }) => String(chunk)).join(''));
              setImmediate(done);
            },
          });
          const writer = new OneAtATime(slow);
          const done = pieces.map((piece) => writer.write(piece));
          expect(writer.waiting).toBe(pieces.length - 1);
          expect(done).not.toContain(true);
          while (got.length < pieces.length || slow.writableLength > 0) {
            await new Promise((resolve) => setImmediate(resolve));
          }
          expect(got).toEqual(pieces);
        },
      ),
      { numRuns: 30 },
    );
  });
});
