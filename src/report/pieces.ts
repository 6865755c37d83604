/** One write a line is slow, and one string of everything takes as much memory again. */
const PIECE_CHARACTERS = 256 * 1024;

/** What `write` makes of each item, many at a time. */
export function* inPieces<Item>(
  items: Iterable<Item>,
  write: (item: Item, at: number) => string,
): Iterable<string> {
  let piece = '';
  let at = 0;
  for (const item of items) {
    piece += write(item, at++);
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}
