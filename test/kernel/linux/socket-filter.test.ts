import { describe, expect, it } from 'vitest';
import {
  DROP_ALL,
  DROP_DATA,
  dropShare,
  filterProgram,
  PASS_ALL,
  PASS_GOODBYES,
} from '../../../src/kernel/linux/socket-filter.js';
import { captured } from './captured.js';

describe('socket filter programs', () => {
  it('are what the kernel reads back from a socket that drops everything', () => {
    expect(DROP_ALL.equals(captured('socket-filter-drop-all'))).toBe(true);
  });

  it('pass everything by returning the largest length', () => {
    expect(PASS_ALL.toString('hex')).toBe('06000000ffffffff');
  });

  it('let FIN and RST pass by the flags of the TCP header', () => {
    // LDB [13]; JSET 5, pass, drop; RET -1; RET 0
    expect(PASS_GOODBYES.toString('hex')).toBe(
      '300000000d000000' + '4500000105000000' + '06000000ffffffff' + '0600000000000000',
    );
  });

  it('drop what is longer than its header, but for FIN and RST', () => {
    // LDB [13]; JSET 5, pass; LDB [12]; RSH 4; LSH 2; TAX; LD LEN; JGT X, drop, pass; RET 0; RET -1
    expect(DROP_DATA.toString('hex')).toBe(
      '300000000d000000' +
        '4500070005000000' +
        '300000000c000000' +
        '7400000004000000' +
        '6400000002000000' +
        '0700000000000000' +
        '8000000000000000' +
        '2d00000100000000' +
        '0600000000000000' +
        '06000000ffffffff',
    );
  });

  it('drop a share of all segments by comparing a random word', () => {
    // LD W ABS SKF_AD_RANDOM; JGE 2^31, pass, drop; RET -1; RET 0
    expect(dropShare(0.5).toString('hex')).toBe(
      '2000000038f0ffff' + '3500000100000080' + '06000000ffffffff' + '0600000000000000',
    );
    expect(dropShare(1).equals(DROP_ALL)).toBe(true);
  });

  it('are handed over as their number of instructions and their address', () => {
    const two = Buffer.concat([PASS_ALL, DROP_ALL]);
    expect(filterProgram(two, 0x7f00_1234_5678n).toString('hex')).toBe(
      '0200000000000000' + '78563412007f0000',
    );
  });
});
