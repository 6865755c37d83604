/** A line a connection, of as many as there are: laid out once, then written in pieces. */
import type { Connection } from '../core/survey.js';
import type { Style } from './format.js';
import { clip, columnsWidth, columnWidths, tableLine } from './layout.js';
import { inPieces } from './pieces.js';
import { connectionColumns, type ColumnOptions } from './survey-columns.js';
import { fatePainter } from './survey-paint.js';

export interface RowOptions extends Pick<ColumnOptions, 'withAsked' | 'namespaceName'> {
  readonly style: Style;
}

/**
 * What is left out, in the order in which room is made: a span before its end, the timer, the state,
 * which moment is whose, our own address. Each has one of the ends and of the columns for `local`.
 */
const LEFT_OUT: readonly (readonly string[])[] = [
  ['PORT', 'ENDS-BY', 'IDLE/BUSY'],
  ['PORT', 'ENDS', 'IDLE/BUSY'],
  ['PORT', 'ENDS-BY', 'IDLE/BUSY', 'TIMER'],
  ['PORT', 'ENDS', 'IDLE/BUSY', 'TIMER'],
  ['PORT', 'ENDS', 'IDLE/BUSY', 'TIMER', 'STATE'],
  ['PORT', 'ENDS', 'ENDS-BY', 'TIMER', 'STATE'],
  ['LOCAL', 'ENDS', 'ENDS-BY', 'TIMER', 'STATE'],
];

export function* connectionRows(
  connections: readonly Connection[],
  { style, ...options }: RowOptions,
): Iterable<string> {
  const clipped = (text: string, width: number) => clip(text, width, style.unicode);
  const columns = connectionColumns({ clip: clipped, ...options });
  const cells = connections.map((connection) => columns.map(({ cell }) => cell(connection)));
  const widths = columnWidths(columns, cells);
  const layouts = LEFT_OUT.map((titles) =>
    [...columns.keys()].filter((at) => !titles.includes(columns[at]?.title ?? '')),
  );
  const widthOf = (layout: readonly number[]) => columnsWidth(pick(widths, layout));
  const layout = layouts.find((each) => widthOf(each) <= style.width) ?? layouts.at(-1) ?? [];

  const shown = pick(columns, layout);
  const shownWidths = pick(widths, layout);
  const fateAt = shown.findIndex(({ title }) => title === 'FATE');
  const painter = fatePainter(style);
  const paint = (cell: string, at: number) => (at === fateAt ? painter(cell) : cell);
  const titles = shown.map(({ title }) => title);
  yield `${tableLine(shown, shownWidths, titles)}\n`;
  yield* inPieces(cells, (row) => {
    const shownCells = layout.map((at) => row[at] ?? '');
    return `${tableLine(shown, shownWidths, shownCells, paint)}\n`;
  });
}

function pick<Item>(items: readonly Item[], positions: readonly number[]): readonly Item[] {
  return positions.flatMap((at) => items[at] ?? []);
}
