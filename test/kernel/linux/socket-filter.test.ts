import { describe, expect, it } from 'vitest';
import { DROP_ALL, filterProgram, PASS_ALL } from '../../../src/kernel/linux/socket-filter.js';
import { captured } from './captured.js';

describe('socket filter programs', () => {
  it('are what the kernel reads back from a socket that drops everything', () => {
    expect(DROP_ALL.equals(captured('socket-filter-drop-all'))).toBe(true);
  });

  it('pass everything by returning the largest length', () => {
    expect(PASS_ALL.toString('hex')).toBe('06000000ffffffff');
  });

  it('are handed over as their number of instructions and their address', () => {
    const two = Buffer.concat([PASS_ALL, DROP_ALL]);
    expect(filterProgram(two, 0x7f00_1234_5678n).toString('hex')).toBe(
      '0200000000000000' + '78563412007f0000',
    );
  });
});
