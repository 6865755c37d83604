import { expect, it } from 'vitest';
import { instantAt, nextSlot } from '../../src/core/time.js';

it.each([
  [1000, 900, 1100],
  [1000, 1000, 1100],
  [1000, 1099, 1100],
  [1000, 1100, 1200],
  [1000, 5050, 5100],
])('the slot behind the one due at %d is, at %d, the one at %d', (due, now, next) => {
  expect(nextSlot(instantAt(due), 100, instantAt(now))).toBe(next);
});
