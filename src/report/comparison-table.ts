import type { ComparisonResult, RowResult } from '../core/result.js';
import { comparisonColumns, REMARK, type ComparisonColumn } from './comparison-columns.js';
import { closingLines, headerLines, noteLines, numberFootnotes } from './comparison-prose.js';
import { paint, type Style } from './format.js';
import { fillLines, plainTable, tableWidth } from './layout.js';
import { remark } from './remark.js';

/**
 * Borderless and greppable: a row is never wrapped or cut. Where it does not fit, its remark is
 * worded shorter, then left out unless it is an alarm, and then the median goes.
 */
export function comparisonTable(
  result: ComparisonResult,
  { style, wide }: { style: Style; wide: boolean },
): string {
  const { rows } = result;
  const every = comparisonColumns(rows, numberFootnotes(rows), wide);
  const isMustHave = rows.some((row) => remark(row).alarm);
  const shortest = Math.max(REMARK.title.length, ...rows.map((row) => remark(row).short.length));
  const withRemark = wide || isMustHave || roomFor(every, rows, style) >= shortest;
  const columns =
    withRemark || roomFor(every, rows, style) >= 0
      ? every
      : every.filter(({ title }) => title !== 'MEDIAN');
  // Whoever asks for more columns has room for words.
  const room = wide ? Infinity : roomFor(columns, rows, style);
  const painted = rows.map((row) => [
    ...columns.map((column) => paintCell(column, row, style)),
    ...(withRemark ? [remarkCell(row, room, style)] : []),
  ]);
  const lines = [
    ...headerLines(result, style.width),
    ...plainTable(withRemark ? [...columns, REMARK] : columns, painted),
    ...noteLines(result).flatMap((note) => fillLines(note.split(' '), ' ', style.width)),
    ...closingLines(result),
  ];
  return `${lines.join('\n')}\n`;
}

/** For one more column beside these. */
function roomFor(
  columns: readonly ComparisonColumn[],
  rows: readonly RowResult[],
  style: Style,
): number {
  const cells = rows.map((row) => columns.map((column) => column.cell(row)));
  return style.width - tableWidth([...columns, { title: '', align: 'left' }], cells);
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
