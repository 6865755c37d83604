import type { ComparisonResult } from '../core/result.js';
import { comparisonColumns } from './comparison-columns.js';
import { closingLines, headerLines, noteLines, numberFootnotes } from './comparison-prose.js';
import { remark } from './remark.js';

/** A GitHub table, with the header line and the notes as paragraphs. */
export function comparisonMarkdown(result: ComparisonResult, { wide }: { wide: boolean }): string {
  const columns = comparisonColumns(result.rows, numberFootnotes(result.rows), wide);
  const table = [
    [...columns.map((column) => column.title), 'OTHERWISE'],
    [...columns.map((column) => (column.align === 'right' ? '---:' : '---')), '---'],
    ...result.rows.map((row) =>
      [...columns.map((column) => column.cell(row)), remark(row).words].map(escaped),
    ),
  ].map((cells) => `| ${cells.join(' | ')} |`);
  const paragraphs = [
    ...headerLines(result, Infinity).map(escaped),
    table.join('\n'),
    ...noteLines(result).map(escaped),
    closingLines(result).join(' '),
  ];
  return `${paragraphs.join('\n\n')}\n`;
}

/** What would end a cell, or start markup, in the middle of a value. */
function escaped(text: string): string {
  return text.replace(/[\\|`*<]/g, (character) => `\\${character}`);
}
