import { expect, it } from 'vitest';
import type { Fate } from '../../src/core/fate.js';
import { countByFate } from '../../src/core/survey.js';

const never = { kind: 'never' } as const;
const fates: readonly Fate[] = [
  { kind: 'closing', ends: never },
  { kind: 'armed', idle: never, busy: never },
  { kind: 'unknown', reason: '' },
  { kind: 'slow', ends: never },
  { kind: 'dying', ends: never },
  { kind: 'leaked' },
  { kind: 'forever', busy: never },
];
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
