/** GitHub's Markdown. */
import type { TableColumn } from './layout.js';

export function markdownTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): string {
  return [
    columns.map((column) => column.title),
    columns.map((column) => (column.align === 'right' ? '---:' : '---')),
    ...rows.map((row) => row.map(escapeMarkdown)),
  ]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** What would end a cell, or start markup, in the middle of a value. */
export function escapeMarkdown(text: string): string {
  return text.replace(/[\\|`*<]/g, (character) => `\\${character}`);
}
