import { describe, expect, it } from 'vitest';
import { keptBy } from '../../src/audit/kept.js';

const found = {
  noticed: true,
  noticedAfterMs: { ms: 5000, min: 4990, max: 5010 },
  how: 'RST',
  mechanism: 'keepalive',
  candidates: [],
  evidence: '',
  inferred: {
    idleMs: { ms: 2000, min: 1900, max: 2010 },
    intervalMs: { ms: 1000, min: 990, max: 1010 },
    count: 3,
  },
  quiet: { kind: 'open', by: null, afterMs: null, probes: 2, dataSegments: 0 },
} as const;

describe('what a client is kept for', () => {
  it('is measured where it was, and predicted with data in flight: keepalive is off then', () => {
    const { idle, write, hung } = keptBy(found, { load: 'idle', watchedMs: 7000 });
    expect(idle).toEqual({ kind: 'measured', afterMs: 5000 });
    expect(hung).toMatchObject({
      kind: 'longer',
      thanMs: 7000,
      prediction: { kind: 'never' },
    });
    expect(write).toMatchObject({
      kind: 'predicted',
      prediction: { kind: 'interval' },
      assuming: 'a Linux server with default settings and no user timeout',
    });
    if (write.kind !== 'predicted' || write.prediction.kind !== 'interval')
      throw new Error(write.kind);
    // Whatever HZ the server has.
    expect(write.prediction.fromDropMs.min).toBeLessThanOrEqual(925_000 + 1000);
    expect(write.prediction.fromDropMs.max).toBeGreaterThanOrEqual(948_000);
  });

  it('may be less than the prediction where a program ends it', () => {
    const idleTimeout = { ...found, mechanism: 'idle-timeout' } as const;
    expect(keptBy(idleTimeout, { load: 'idle', watchedMs: 7000 }).write).toMatchObject({
      assuming:
        'a Linux server with default settings and no user timeout; its program may be sooner',
    });
  });

  it('is longer than was watched, where nothing was noticed', () => {
    const nothing = { ...found, noticed: false, noticedAfterMs: null };
    const kept = { kind: 'longer', thanMs: 7000 };
    expect(keptBy(nothing, { load: 'idle', watchedMs: 7000 }).idle).toMatchObject({
      ...kept,
      prediction: { kind: 'unknown' },
    });
    const noneSeen = { ...nothing, mechanism: 'none-seen' } as const;
    expect(keptBy(noneSeen, { load: 'idle', watchedMs: 7000 }).idle).toMatchObject({
      ...kept,
      prediction: { kind: 'never' },
    });
    expect(keptBy(nothing, { load: 'write', watchedMs: 7000 }).write).toMatchObject({
      ...kept,
      prediction: { kind: 'interval' },
    });
  });

  it('is the end of the quiet one for who hangs', () => {
    const quiet = { ...found.quiet, kind: 'closed', by: 'FIN', afterMs: 3000 } as const;
    expect(keptBy({ ...found, quiet }, { load: 'idle', watchedMs: 7000 }).hung).toEqual({
      kind: 'measured',
      afterMs: 3000,
    });
  });

  it('under load write says nothing of an idle one', () => {
    const { idle, write } = keptBy(found, { load: 'write', watchedMs: 7000 });
    expect(idle).toMatchObject({ kind: 'unknown' });
    expect(write).toEqual({ kind: 'measured', afterMs: 5000 });
  });
});
