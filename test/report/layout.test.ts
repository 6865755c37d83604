import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clip,
  columnWidths,
  fillLines,
  plainTable,
  tableLine,
  tableWidth,
} from '../../src/report/layout.js';

const columns = [
  { title: 'NAME', align: 'left' },
  { title: 'N', align: 'right' },
] as const;

describe('plainTable', () => {
  it('has two spaces between columns, no border and no trailing space', () => {
    const rows = [
      ['a', '100'],
      ['longer', '2'],
    ];
    expect(plainTable(columns, rows).join('\n')).toMatchInlineSnapshot(`
      "NAME      N
      a       100
      longer    2"
    `);
    expect(tableWidth(columns, rows)).toBe(11);
  });

  it('aligns painted cells by what is seen of them', () => {
    expect(plainTable(columns, [['\x1b[31mab\x1b[39m', '1']]).at(-1)).toBe(
      '\x1b[31mab\x1b[39m    1',
    );
  });

  it('is its titles when there are no rows', () => {
    expect(plainTable(columns, [])).toEqual(['NAME  N']);
    expect(tableWidth(columns, [])).toBe(7);
  });

  it('takes as many columns as tableWidth says', () => {
    const word = fc.stringMatching(/^[a-z]{1,12}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { minLength: 1 }), (rows) => {
        const widest = Math.max(...plainTable(columns, rows).map((line) => line.length));
        expect(widest).toBe(tableWidth(columns, rows));
      }),
    );
  });
});

describe('tableLine', () => {
  it('is a line of plainTable', () => {
    const word = fc.stringMatching(/^[a-z]{0,12}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word, word), { minLength: 1 }), (rows) => {
        const three = [...columns, { title: 'LAST', align: 'left' }] as const;
        const widths = columnWidths(three, rows);
        const lines = rows.map((row) => tableLine(three, widths, row));
        expect(lines).toEqual(plainTable(three, rows).slice(1));
      }),
    );
  });

  it('has cells painted as wide as they are shown', () => {
    const painted = tableLine(columns, [4, 3], ['a', '1'], (cell) => `<${cell}>`);
    expect(painted).toBe('<a   >  <  1>');
  });
});

describe('fillLines', () => {
  it('breaks between pieces and keeps the separator on the line before', () => {
    expect(fillLines(['one', 'two', 'three'], ', ', 11)).toEqual(['one, two,', 'three']);
    expect(fillLines([], ', ', 11)).toEqual([]);
  });

  it('loses nothing, and is no wider than asked where every piece fits', () => {
    const piece = fc.stringMatching(/^[a-z]{1,9}$/);
    fc.assert(
      fc.property(fc.array(piece), fc.integer({ min: 11, max: 60 }), (pieces, width) => {
        const lines = fillLines(pieces, ', ', width);
        expect(lines.join(' ')).toBe(pieces.join(', '));
        for (const line of lines) expect(line.length).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe('clip', () => {
  it('marks what it cuts', () => {
    expect(clip('heartbeat', 9, false)).toBe('heartbeat');
    expect(clip('heartbeat', 8, false)).toBe('heartbe~');
    expect(clip('heartbeat', 8, true)).toBe('heartbe…');
    expect(clip('heartbeat', 0, false)).toBe('');
  });
});
