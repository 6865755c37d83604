import { describe, expect, it } from 'vitest';
import { keptBy, type Audited } from '../../src/audit/kept.js';
import type { VanishEvent } from '../../src/core/vanish-log.js';

const held = { noticed: false, watchedMs: 7000, lifted: 'held', unansweredMs: null } as const;
const given = { noticed: true, watchedMs: 7000, lifted: 'not-lifted', unansweredMs: null } as const;

/** A server with keepalive, until told otherwise. */
function audited({ inference, ...changes }: ChangedAudit = {}): Audited {
  return {
    inference: {
      noticed: true,
      noticedAfterMs: { ms: 5000, min: 4990, max: 5010 },
      how: 'RST',
      mechanism: 'keepalive',
      candidates: [],
      evidence: '',
      inferred: { settings: [], idleMs: null, intervalMs: null, count: 3 },
      quiet: { kind: 'open', probes: 2, dataSegments: 0 },
      ...inference,
    },
    load: 'idle',
    complete: true,
    proven: true,
    vanished: [given],
    quiet: { events: [], silentMs: 7100, isTalkative: false },
    ...changes,
  };
}

type ChangedAudit = Partial<Omit<Audited, 'inference'>> & {
  readonly inference?: Partial<Audited['inference']>;
};

const nothing = { noticed: false, noticedAfterMs: null, mechanism: 'none-seen' } as const;

describe('what a client is kept for', () => {
  it('is measured where it was, and predicted with data in flight: keepalive is off then', () => {
    const { idle, write, hung } = keptBy(audited());
    expect(idle).toEqual({ kind: 'measured', afterMs: { ms: 5000, min: 4990, max: 5010 } });
    expect(hung).toMatchObject({ kind: 'longer', thanMs: 7100, prediction: { kind: 'never' } });
    expect(write).toMatchObject({
      kind: 'predicted',
      prediction: { kind: 'interval' },
      assuming: 'a Linux server with default settings and no user timeout',
    });
    if (write.kind !== 'predicted' || write.prediction.kind !== 'interval') {
      throw new Error(write.kind);
    }
    // Whatever HZ the server has.
    expect(write.prediction.fromDropMs.min).toBeLessThanOrEqual(925_000 + 1000);
    expect(write.prediction.fromDropMs.max).toBeGreaterThanOrEqual(948_000);
  });

  it('is measured with data in flight too where the server sent some of its own', () => {
    const unansweredMs = { ms: 7700, min: 7000, max: 8000 };
    expect(keptBy(audited({ vanished: [{ ...given, unansweredMs }] })).write).toEqual({
      kind: 'measured',
      afterMs: unansweredMs,
    });
  });

  it('may be less than the prediction where a program ends it', () => {
    expect(keptBy(audited({ inference: { mechanism: 'idle-timeout' } })).write).toMatchObject({
      assuming:
        'a Linux server with default settings and no user timeout; its program may be sooner',
    });
  });

  it('is longer than the shortest watch, where nothing was noticed', () => {
    const vanished = [held, { ...held, watchedMs: 6000 }];
    const longer = { kind: 'longer', thanMs: 6000 };
    const { mechanism, ...unnoticed } = nothing;
    expect(keptBy(audited({ vanished, inference: unnoticed })).idle).toMatchObject({
      ...longer,
      prediction: { kind: 'unknown' },
    });
    expect(keptBy(audited({ vanished, inference: nothing })).idle).toMatchObject({
      ...longer,
      prediction: { kind: 'never' },
    });
    expect(mechanism).toBe('none-seen');
  });

  it.each<[string, ChangedAudit]>([
    ['1 of 2 were given up: connections has each', { vanished: [given, held] }],
    ['it was interrupted', { complete: false }],
    ['nothing shows that it had vanished', { proven: false }],
    [
      'the server did not answer when it was asked at the end',
      { vanished: [{ ...held, lifted: 'none' }] },
    ],
  ])('is not known where %s', (reason, changes) => {
    const { idle } = keptBy(audited({ vanished: [held], inference: nothing, ...changes }));
    expect(idle).toEqual({ kind: 'unknown', reason });
  });

  it('is the end of the quiet one for who hangs, whenever it came', () => {
    const end: VanishEvent = { connection: 'quiet', kind: 'fin', atMs: 9000, withinMs: 10 };
    const quiet = { events: [end], silentMs: 9100, isTalkative: false };
    expect(keptBy(audited({ quiet })).hung).toEqual({
      kind: 'measured',
      afterMs: { ms: 9000, min: 8990, max: 9000 },
    });
    expect(keptBy(audited({ quiet: { ...quiet, isTalkative: true } })).hung.kind).toBe('unknown');
  });

  it('under load write says nothing of an idle one', () => {
    const { idle, write } = keptBy(audited({ load: 'write' }));
    expect(idle).toMatchObject({ kind: 'unknown' });
    expect(write).toMatchObject({ kind: 'measured', afterMs: { ms: 5000 } });
    const unnoticed = audited({ load: 'write', inference: nothing, vanished: [held] });
    expect(keptBy(unnoticed).write).toMatchObject({
      kind: 'longer',
      prediction: { kind: 'interval' },
    });
  });
});
