import { describe, expect, it } from 'vitest';
import { consensus } from '../../src/audit/consensus.js';
import type { Inference } from '../../src/core/vanish-inference.js';

const keepalive: Inference = {
  noticed: true,
  noticedAfterMs: { ms: 5000, min: 4990, max: 5010 },
  how: 'RST',
  mechanism: 'keepalive',
  candidates: [],
  evidence: 'three probes',
  inferred: {
    settings: ['idleMs', 'intervalMs', 'count'],
    idleMs: { ms: 2000, min: 1900, max: 2010 },
    intervalMs: { ms: 1000, min: 990, max: 1010 },
    count: 3,
  },
  quiet: { kind: 'open', probes: 2, dataSegments: 0 },
  next: { kind: 'done' },
};

const later: Inference = {
  ...keepalive,
  noticedAfterMs: { ms: 5100, min: 5090, max: 5110 },
  inferred: { ...keepalive.inferred, idleMs: { ms: 2100, min: 2000, max: 2110 } },
};

const nothing: Inference = {
  ...keepalive,
  noticed: false,
  noticedAfterMs: null,
  how: null,
  mechanism: 'none-seen',
  inferred: { settings: [], idleMs: null, intervalMs: null, count: null },
};

describe('consensus', () => {
  it('of one is its answer', () => {
    const { next, ...answer } = keepalive;
    expect(next.kind).toBe('done');
    expect(consensus([keepalive])).toEqual(answer);
  });

  it('of several that agree has the median, and all that any allows', () => {
    expect(consensus([later, keepalive, keepalive])).toMatchObject({
      noticed: true,
      mechanism: 'keepalive',
      noticedAfterMs: { ms: 5000, min: 4990, max: 5110 },
      inferred: { idleMs: { ms: 2000, min: 1900, max: 2110 }, count: 3 },
    });
  });

  it('has no count where they differ', () => {
    const two = { ...later, inferred: { ...later.inferred, count: 2 } };
    expect(consensus([keepalive, two]).inferred.count).toBeNull();
  });

  it('of those that differ is ambiguous, and noticed only when each was', () => {
    expect(consensus([keepalive, nothing])).toMatchObject({
      noticed: false,
      noticedAfterMs: null,
      how: null,
      mechanism: 'ambiguous',
      candidates: ['keepalive', 'none-seen'],
      evidence: 'the connections differ: keepalive, none-seen',
      inferred: {
        settings: ['idleMs', 'intervalMs', 'count'],
        idleMs: null,
        intervalMs: null,
        count: null,
      },
    });
  });
});
