import { describe, expect, it } from 'vitest';
import { arrivals, isDeaf, type Counters } from '../../src/audit/arrivals.js';

const before: Counters = {
  state: 'ESTABLISHED',
  segmentsIn: 10,
  dataSegmentsIn: 3,
  segmentsOut: 9,
  unacked: 0,
  rttMs: 0.05,
  drops: 2,
};

const nothing = { data: 0, bare: 0, swallowed: 0, goodbye: undefined };

describe('what has arrived between two looks', () => {
  it('is nothing when nothing is counted', () => {
    for (const engine of [
      undefined,
      'goodbye-filter',
      'data-filter',
      'hop-limit',
      'min-ttl',
    ] as const) {
      expect(arrivals(before, before, engine)).toEqual(nothing);
    }
  });

  it.each([undefined, 'hop-limit'] as const)('is told apart by its data, by %s', (engine) => {
    const after = { ...before, segmentsIn: 13, dataSegmentsIn: 5 };
    expect(arrivals(before, after, engine)).toEqual({ ...nothing, data: 2, bare: 1 });
  });

  it('takes a probe that was heard and answered for no loss, though the kernel counts a drop', () => {
    const after = { ...before, segmentsIn: 11, segmentsOut: 10, drops: 3 };
    expect(arrivals(before, after, undefined)).toEqual({ ...nothing, bare: 1 });
  });

  it('takes the segment that closes for a FIN, once', () => {
    const closed = { ...before, segmentsIn: 11, state: 'CLOSE-WAIT' };
    expect(arrivals(before, closed, undefined)).toEqual({ ...nothing, goodbye: 'fin' });
    expect(arrivals(closed, { ...closed, segmentsIn: 12 }, undefined)).toEqual({
      ...nothing,
      bare: 1,
    });
  });

  it.each([undefined, 'hop-limit', 'goodbye-filter', 'data-filter'] as const)(
    'takes the segment that ends it for an RST, by %s',
    (engine) => {
      const after = { ...before, segmentsIn: 11, state: 'CLOSE' };
      expect(arrivals(before, after, engine)).toEqual({ ...nothing, goodbye: 'reset' });
    },
  );

  it('takes a FIN that came with data for both', () => {
    const after = { ...before, segmentsIn: 11, dataSegmentsIn: 4, state: 'CLOSE-WAIT' };
    expect(arrivals(before, after, undefined)).toEqual({ ...nothing, data: 1, goodbye: 'fin' });
  });

  it('cannot tell what a minimum TTL swallows', () => {
    const after = { ...before, drops: 4 };
    expect(arrivals(before, after, 'min-ttl')).toEqual({ ...nothing, swallowed: 2 });
  });

  it('takes whatever passes the filter for goodbyes as one, and does not know which', () => {
    const after = { ...before, segmentsIn: 11, drops: 3 };
    expect(arrivals(before, after, 'goodbye-filter')).toEqual({
      ...nothing,
      swallowed: 1,
      goodbye: 'some',
    });
    const closed = { ...after, state: 'CLOSE-WAIT' };
    expect(arrivals(before, closed, 'goodbye-filter').goodbye).toBe('fin');
  });

  it('takes what acknowledges a request, or asks, for no goodbye', () => {
    const after = { ...before, segmentsIn: 11, drops: 3 };
    expect(arrivals(before, after, 'data-filter')).toEqual({ ...nothing, swallowed: 1 });
  });
});

it('is deaf whose engine swallows acknowledgements', () => {
  expect([isDeaf('goodbye-filter'), isDeaf('min-ttl')]).toEqual([true, true]);
  expect([isDeaf('data-filter'), isDeaf('hop-limit'), isDeaf(undefined)]).toEqual([
    false,
    false,
    false,
  ]);
});
