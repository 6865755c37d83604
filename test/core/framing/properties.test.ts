import fc from 'fast-check';
import { describe, it } from 'vitest';
import { properties } from '../../fuzz/framings.js';

describe('of every framing and every stream', () => {
  it.each(Object.entries(properties))('%s', async (_, property) => {
    await fc.assert(property, { numRuns: 400 });
  });
});
