import { describe, expect, it } from 'vitest';
import { carries, markerOf, runToken } from '../../../src/core/guard/marker.js';

describe('a marker', () => {
  const outer = markerOf(undefined, runToken('outer', 1));
  const inner = markerOf(outer, runToken('inner', 12));

  it('names its run and its family, and those around them', () => {
    for (const token of ['inner/12', 'inner', 'outer/1', 'outer']) {
      expect(carries(inner, token)).toBe(true);
    }
  });

  it('names nobody else', () => {
    for (const token of ['inner/1', 'inne', 'outer/12', 'outer/1:inner', '']) {
      expect(carries(inner, token)).toBe(false);
    }
    expect(carries(outer, 'inner')).toBe(false);
    expect(carries(undefined, 'outer')).toBe(false);
  });

  it('begins anew where nothing is inherited', () => {
    expect(markerOf('', 'a')).toBe('a');
  });
});
