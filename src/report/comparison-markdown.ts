import type { ComparisonResult } from '../core/result.js';
import { comparisonColumns, REMARK } from './comparison-columns.js';
import { closingLines, headerLines, noteLines, numberFootnotes } from './comparison-prose.js';
import { escapeMarkdown, markdownTable } from './markdown.js';
import { remark } from './remark.js';

/** A GitHub table, with the header line and the notes as paragraphs. */
export function comparisonMarkdown(result: ComparisonResult, { wide }: { wide: boolean }): string {
  const columns = comparisonColumns(result.rows, numberFootnotes(result.rows), wide);
  const table = markdownTable(
    [...columns, REMARK],
    result.rows.map((row) => [...columns.map((column) => column.cell(row)), remark(row).words]),
  );
  const paragraphs = [
    ...headerLines(result, Infinity).map(escapeMarkdown),
    table,
    ...noteLines(result).map(escapeMarkdown),
    closingLines(result).join(' '),
  ];
  return `${paragraphs.join('\n\n')}\n`;
}
