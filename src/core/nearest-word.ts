/** Which known word a mistyped one was probably meant to be; undefined: it is like none of them. */
export function nearestWord(word: string, known: readonly string[]): string | undefined {
  if (word.length > LONGEST) return undefined;
  const near = known
    .map((each) => ({ each, edits: editsBetween(word.toLowerCase(), each.toLowerCase()) }))
    .filter(({ each, edits }) => edits <= Math.max(1, Math.floor(each.length / 3)));
  return near.toSorted((one, other) => one.edits - other.edits)[0]?.each;
}

/** No key is as long; the work grows with the product of both lengths. */
const LONGEST = 64;

/** How many letters have to be put in, left out or changed (Levenshtein distance). */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let up = 0; up < one.length; up++) {
    const letter = one[up];
    const next = [up + 1];
    for (let at = 1; at <= other.length; at++) {
      const changed = (row[at - 1] ?? 0) + (letter === other[at - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[at] ?? 0) + 1, (next[at - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
