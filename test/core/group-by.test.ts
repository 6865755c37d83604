import fc from 'fast-check';
import { expect, it } from 'vitest';
import { groupBy } from '../../src/core/group-by.js';

it('keeps every item once, in order, under its key, the keys as they were met', () => {
  expect([...groupBy([3, 1, 4, 1, 5, 9], (digit) => digit % 2)]).toEqual([
    [1, [3, 1, 1, 5, 9]],
    [0, [4]],
  ]);
  fc.assert(
    fc.property(fc.array(fc.integer()), (items) => {
      const keyOf = (item: number) => item % 3;
      const groups = groupBy(items, keyOf);
      for (const [key, group] of groups) {
        expect(group).toEqual(items.filter((item) => keyOf(item) === key));
      }
      expect([...groups.keys()]).toEqual([...new Set(items.map(keyOf))]);
    }),
  );
});
