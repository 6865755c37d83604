import { expect, it } from 'vitest';
import { countByFate } from '../../src/core/survey.js';
import { fates } from './connections.js';

it('counts every fate, those too that there are none of', () => {
  expect(countByFate([])).toEqual({
    forever: 0,
    leaked: 0,
    dying: 0,
    slow: 0,
    unknown: 0,
    armed: 0,
    closing: 0,
  });
  const two = [...fates, ...fates.slice(0, 2)].map((fate) => ({ fate }));
  expect(countByFate(two)).toMatchObject({ closing: 2, armed: 2, forever: 1 });
});
