import { expect, it } from 'vitest';
import { countWords } from '../../src/report/count-words.js';

it.each([
  [0, 'beat', '0 beats'],
  [1, 'beat', '1 beat'],
  [2, 'beat', '2 beats'],
  [1, 'false alarm', '1 false alarm'],
  [20, 'false alarm', '20 false alarms'],
])('%d %s', (amount, what, words) => {
  expect(countWords(amount, what)).toBe(words);
});
