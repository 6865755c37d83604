/** A line a connection, of as many as there are: laid out once, then written in pieces. */
import type { Connection } from '../core/survey.js';
import type { Style } from './format.js';
import { clip, columnsWidth, columnWidths, tableLine } from './layout.js';
import { inPieces } from './pieces.js';
import { connectionColumns } from './survey-columns.js';
import { fatePainter } from './survey-paint.js';

export interface RowOptions {
  readonly style: Style;
  readonly withAsked: boolean;
}

/** What is left out, in the order in which room is made: a span before its end, the timer, the state. */
const LEFT_OUT: readonly (readonly string[])[] = [
  ['ENDS-BY'],
  ['ENDS'],
  ['TIMER', 'ENDS-BY'],
  ['TIMER', 'ENDS'],
  ['TIMER', 'STATE', 'ENDS'],
];

export function* connectionRows(
  connections: readonly Connection[],
  { style, withAsked }: RowOptions,
): Iterable<string> {
  const clipped = (text: string, width: number) => clip(text, width, style.unicode);
  const columns = connectionColumns(clipped, withAsked);
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
