/** `1 beat`, `2 beats`, `1 false alarm`. */
export function countWords(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`;
}
