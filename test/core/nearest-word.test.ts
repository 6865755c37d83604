import { expect, it } from 'vitest';
import { nearestWord } from '../../src/core/nearest-word.js';

const KNOWN = ['timeout', 'startTimeout', 'stopTimeout', 'name', 'on'];

it.each([
  ['timeuot', 'timeout'],
  ['stoptimeout', 'stopTimeout'],
  ['startTimout', 'startTimeout'],
  ['nam', 'name'],
  ['o', 'on'],
])('%s is nearest to %s', (word, nearest) => {
  expect(nearestWord(word, KNOWN)).toBe(nearest);
});

it.each(['speed', '', 'x'.repeat(100_000), '__proto__'])('%.10s is like none of them', (word) => {
  expect(nearestWord(word, KNOWN)).toBeUndefined();
});
