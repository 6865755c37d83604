/** Plain text in a given number of columns. Knows no colour: lay out first, paint afterwards. */
import Table from 'cli-table3';

export interface TableColumn {
  readonly title: string;
  readonly align: 'left' | 'right';
}

const GAP = '  ';

/** Borderless like `kubectl get`: a line of titles, then one line a row. Cells may be painted. */
export function plainTable(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const table = new Table({
    head: columns.map((column) => column.title),
    colAligns: columns.map((column) => column.align),
    chars: NO_BORDER,
    // Without the empty lists cli-table3 colours its header and border, whatever we were asked.
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0, compact: true },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** The columns that `plainTable` takes for unpainted `rows`, gaps included. */
export function tableWidth(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): number {
  return columnsWidth(columnWidths(columns, rows));
}

/** Of columns beside each other, gaps included. */
export function columnsWidth(widths: readonly number[]): number {
  return widths.reduce((total, width) => total + width, (widths.length - 1) * GAP.length);
}

/** What each column needs for its title and the unpainted `rows`. */
export function columnWidths(
  columns: readonly TableColumn[],
  rows: readonly (readonly string[])[],
): readonly number[] {
  const widths = columns.map(({ title }) => title.length);
  for (const row of rows) {
    row.forEach((cell, at) => {
      widths[at] = Math.max(widths[at] ?? 0, cell.length);
    });
  }
  return widths;
}

/**
 * One line of what `plainTable` shows, for more rows than cli-table3 has time for. A character
 * counts as one column; `paint` gets each cell as wide as it is shown.
 */
export function tableLine(
  columns: readonly TableColumn[],
  widths: readonly number[],
  cells: readonly string[],
  paint: (cell: string, at: number) => string = (cell) => cell,
): string {
  const last = columns.length - 1;
  let line = '';
  for (let at = 0; at <= last; at++) {
    const cell = cells[at] ?? '';
    const width = widths[at] ?? 0;
    const isLeft = columns[at]?.align === 'left';
    if (at > 0) line += GAP;
    if (isLeft) line += paint(at === last ? cell : cell.padEnd(width), at);
    else line += paint(cell.padStart(width), at);
  }
  return line.trimEnd();
}

/** As many pieces on a line as fit; a piece longer than `width` has a line of its own. */
export function fillLines(
  pieces: readonly string[],
  separator: string,
  width: number,
): readonly string[] {
  const lines: string[] = [];
  let line: string | undefined;
  for (const piece of pieces) {
    if (line === undefined) line = piece;
    else if (line.length + separator.length + piece.length < width) line += separator + piece;
    else {
      lines.push((line + separator).trimEnd());
      line = piece;
    }
  }
  return line === undefined ? lines : [...lines, line];
}

/** At most `width` columns; what was cut off shows as a mark. */
export function clip(text: string, width: number, unicode: boolean): string {
  if (text.length <= width) return text;
  return width <= 0 ? '' : text.slice(0, width - 1) + (unicode ? '…' : '~');
}

const NO_BORDER = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: GAP,
};
