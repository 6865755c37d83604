import { describe, expect, it } from 'vitest';
import { cookieText } from '../../src/core/socket.js';

describe('cookieText', () => {
  it.each([
    [1, 0, '1'],
    [0xffff_ffff, 0, 'ffffffff'],
    [2, 1, '100000002'],
    [0xffff_fffe, 0xffff_ffff, 'fffffffffffffffe'],
  ])('%i, %i', (low, high, text) => {
    expect(cookieText(low, high)).toBe(text);
  });
});
