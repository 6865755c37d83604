import type { ComparisonResult, RowResult } from '../core/result.js';
import { comparisonColumns, type ComparisonColumn } from './comparison-columns.js';
import { closingLines, headerLines, noteLines, numberFootnotes } from './comparison-prose.js';
import { paint, type Style } from './format.js';
import { fillLines, plainTable, tableWidth } from './layout.js';
import { remark } from './remark.js';

/** Borderless and greppable: a row is never wrapped or cut, its remark only worded shorter. */
export function comparisonTable(
  result: ComparisonResult,
  { style, wide }: { style: Style; wide: boolean },
): string {
  const columns = comparisonColumns(result.rows, numberFootnotes(result.rows), wide);
  const cells = result.rows.map((row) => columns.map((column) => column.cell(row)));
  const room = style.width - tableWidth([...columns, { title: '', align: 'left' }], cells);
  const painted = result.rows.map((row) => [
    ...columns.map((column) => paintCell(column, row, style)),
    remarkCell(row, room, style),
  ]);
  const lines = [
    ...headerLines(result, style.width),
    ...plainTable([...columns, { title: 'OTHERWISE', align: 'left' }], painted),
    ...noteLines(result).flatMap((note) => fillLines(note.split(' '), ' ', style.width)),
    ...closingLines(result),
  ];
  return `${lines.join('\n')}\n`;
}

function paintCell(column: ComparisonColumn, row: RowResult, style: Style): string {
  const text = column.cell(row);
  return column.title === 'FALSE' && row.healthy.falseAlarms > 0 ? paint(style).yellow(text) : text;
}

function remarkCell(row: RowResult, room: number, style: Style): string {
  const { words, short, alarm } = remark(row);
  const text = words.length <= room ? words : short;
  return alarm ? paint(style).red(text) : text;
}
