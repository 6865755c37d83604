import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadWords, type Fault, type Load } from '../../src/core/condition.js';
import { parseMode, type Mode } from '../../src/core/mode.js';
import { predict } from '../../src/core/predict.js';
import type { Situation } from '../../src/core/situation.js';
import { sysctlDefaults, type Sysctls } from '../../src/core/sysctl.js';

const usual = {
  load: 'idle',
  fault: 'blackhole',
  observer: 'server',
  sysctls: sysctlDefaults,
  hz: 250,
} as const;

const predicted = (mode: string, situation: Partial<Situation> = {}) =>
  predict({ ...usual, ...situation, mode: parseMode(mode) });

/** Two spans in seconds: from the drop, and from the last activity. */
function seconds(mode: string, situation: Partial<Situation> = {}): string {
  const prediction = predicted(mode, situation);
  if (prediction.kind !== 'interval') return `${prediction.kind}: ${prediction.rule}`;
  const { fromDropMs, fromLastActivityMs } = prediction;
  const [drop, activity] = [fromDropMs, fromLastActivityMs].map(
    ({ min, max }) => `[${(min / 1000).toFixed(3)}, ${(max / 1000).toFixed(3)}]`,
  );
  return `${drop ?? ''} ${activity ?? ''} ${prediction.rule}`;
}

describe('the default rows at HZ=250', () => {
  it.each<[string, Load, string]>([
    ['none', 'idle', 'never: nothing is in flight and no timer is armed'],
    [
      'none',
      'write',
      // Step by step, inside the 925…948 s that tcp_retries2 means on paper.
      '[928.892, 948.196] [928.892, 948.196] tcp_retries2 retransmissions of the unanswered write; keepalive is off meanwhile',
    ],
    [
      'keepalive=1s:1s:3',
      'idle',
      '[3.000, 4.128] [4.000, 4.128] idle + count × interval after the last received segment',
    ],
    [
      'keepalive=1s:1s:3',
      'write',
      '[928.892, 948.196] [928.892, 948.196] tcp_retries2 retransmissions of the unanswered write; keepalive is off meanwhile',
    ],
    [
      'user-timeout=3s',
      'idle',
      'never: a user timeout counts only while data or a probe is unanswered, and nothing is in flight',
    ],
    [
      'user-timeout=3s',
      'write',
      '[3.404, 3.512] [3.404, 3.512] user timeout after the first retransmission of the unanswered write',
    ],
    [
      'keepalive=1s:1s:3+user-timeout=3s',
      'write',
      '[3.404, 3.512] [3.404, 3.512] user timeout after the first retransmission of the unanswered write',
    ],
    [
      'heartbeat=1s:3s',
      'idle',
      '[2.000, 3.000] [3.000, 3.000] timeout after the last received byte',
    ],
    [
      'heartbeat=1s:3s',
      'write',
      '[2.000, 3.000] [2.000, 3.000] timeout after the last received byte',
    ],
    [
      'idle-timeout=3s',
      'idle',
      '[2.000, 3.000] [3.000, 3.000] idle timeout after the last received byte',
    ],
    [
      'keepalive=system',
      'idle',
      '[675.000, 8026.552] [7875.000, 8026.552] idle + count × interval after the last received segment',
    ],
  ])('%s under %s', (mode, load, text) => {
    // As in a comparison: a frame every third of an idle timeout keeps its connection busy.
    const frameEveryMs = mode === 'idle-timeout=3s' ? 1000 : undefined;
    expect(seconds(mode, { load, frameEveryMs })).toBe(text);
  });
});

describe('measured death times of real connections', () => {
  interface Measured {
    readonly id: string;
    readonly load: string;
    readonly fault?: string;
    readonly peer?: string;
    readonly options: {
      readonly keepalive?: readonly [number, number, number];
      readonly userTimeoutMs?: number;
      readonly heartbeat?: readonly [number, number];
    };
    readonly sysctl?: Partial<Sysctls>;
    /** Null: still alive when the run ended. */
    readonly seconds: number | null;
  }

  const { rows } = JSON.parse(
    readFileSync(new URL('../../fixtures/oracle/latency.json', import.meta.url), 'utf8'),
  ) as { rows: readonly Measured[] };

  it.each(rows)('$id: $seconds s', ({ load, fault, peer, options, sysctl, seconds: measured }) => {
    const prediction = predict({
      ...usual,
      mode: modeOf(options),
      load: load as Load,
      // Somebody whose kernel answers and who reads nothing is as good as stopped.
      fault: peer === 'alive' ? 'freeze' : ((fault ?? 'blackhole') as Fault),
      sysctls: { ...sysctlDefaults, ...sysctl },
    });
    if (measured === null) {
      expect(prediction.kind).toBe('never');
      return;
    }
    const span = prediction.kind === 'interval' ? prediction.fromLastActivityMs : undefined;
    expect(measured * 1000).toBeGreaterThanOrEqual(span?.min ?? Infinity);
    expect(measured * 1000).toBeLessThanOrEqual((span?.max ?? -Infinity) + MEASURING_MS);
  });

  function modeOf({ keepalive, userTimeoutMs, heartbeat }: Measured['options']): Mode {
    const [idleSeconds, intervalSeconds, count] = keepalive ?? [0, 0, 0];
    const [interval, timeout] = heartbeat ?? [0, 0];
    return {
      ...(keepalive && { keepalive: { idleSeconds, intervalSeconds, count } }),
      ...(userTimeoutMs !== undefined && { userTimeoutMs }),
      ...(heartbeat && {
        heartbeat: { intervalMs: interval * 1000, timeoutMs: timeout * 1000 },
      }),
    };
  }
});

describe('other faults', () => {
  it('a stopped process is noticed by what it should have sent, never by the kernel', () => {
    const freeze = { fault: 'freeze' } as const;
    expect(seconds('heartbeat=1s:3s', freeze)).toBe(
      '[2.000, 3.000] [3.000, 3.000] timeout after the last received byte',
    );
    for (const mode of ['none', 'keepalive=1s:1s:3', 'user-timeout=3s']) {
      expect(seconds(mode, { ...freeze, load: 'write' })).toBe(
        "never: the peer's kernel goes on acknowledging for its stopped process",
      );
    }
  });

  it('a FIN and a RST are noticed at once in every mode', () => {
    expect(seconds('none', { fault: 'close' })).toBe(
      "[0.000, 0.000] [0.000, 0.000] the peer's FIN arrives",
    );
    expect(seconds('heartbeat=1s:3s', { fault: 'reset' })).toBe(
      "[0.000, 0.000] [0.000, 0.000] the peer's RST arrives",
    );
  });
});

describe('combinations', () => {
  it('are decided by the earliest part', () => {
    expect(seconds('heartbeat=1s:3s+idle-timeout=10s+keepalive=60s:10s:6')).toMatch(
      /^\[2\.000, 3\.000\].*timeout after the last received byte$/,
    );
  });

  it('with a user timeout, keepalive ignores its count', () => {
    const few = predicted('keepalive=1s:11s:1+user-timeout=30s');
    expect(few).toEqual(predicted('keepalive=1s:11s:100+user-timeout=30s'));
    expect(seconds('keepalive=1s:11s:3+user-timeout=30s')).toBe(
      '[22.000, 34.800] [33.000, 34.800] the first keepalive timer after the user timeout; the count is ignored',
    );
  });

  it('count answered probes as segments, but not as bytes', () => {
    // Probed every second, yet the last byte may be ten seconds old when the path dies.
    expect(seconds('heartbeat=10s:15s+keepalive=1s:1s:100')).toMatch(/^\[5\.000, 15\.000\]/);
    expect(seconds('idle-timeout=15s+keepalive=1s:1s:100', { frameEveryMs: 5000 })).toMatch(
      /^\[10\.000, 15\.000\]/,
    );
    expect(seconds('heartbeat=10s:15s+keepalive=1s:1s:100', { fault: 'freeze' })).toMatch(
      /^\[5\.000, 15\.000\]/,
    );
  });

  it('know that an observer that beats soon has data in flight', () => {
    expect(seconds('heartbeat=1s:60s+user-timeout=3s', { observer: 'client' })).toBe(
      '[3.404, 4.512] [3.404, 4.512] user timeout after the first retransmission of the unanswered write',
    );
    expect(seconds('heartbeat=1s:60s+keepalive=1s:1s:3', { observer: 'client' })).toMatch(
      /^\[3\.000, 60\.000\]/,
    );
    expect(seconds('heartbeat=1s:60s+keepalive=1s:1s:3', { observer: 'server' })).toMatch(
      /^\[3\.000, 4\.128\]/,
    );
  });
});

describe('phases', () => {
  it('shorten the span from the drop when the last received segment is known to be recent', () => {
    expect(seconds('keepalive=60s:1s:3', { longestSilenceMs: 500 })).toMatch(/^\[62\.500, 65\.1/);
    expect(seconds('heartbeat=10s:15s', { longestSilenceMs: 500 })).toMatch(
      /^\[14\.500, 15\.000\]/,
    );
  });

  it('without a frame in time let an idle timeout end at once', () => {
    expect(seconds('idle-timeout=3s')).toMatch(/^\[0\.000, 3\.000\]/);
  });
});

describe('every prediction', () => {
  it('is a span that is not empty and does not begin before the drop', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        const prediction = predict(situation);
        if (prediction.kind !== 'interval') return;
        for (const { min, max } of [prediction.fromDropMs, prediction.fromLastActivityMs]) {
          expect(min).toBeGreaterThanOrEqual(0);
          expect(max).toBeGreaterThanOrEqual(min);
          expect(max).toBeLessThan(Infinity);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('counts at least as long from the last received segment, which the drop cannot precede', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        const prediction = predict({ ...situation, load: 'idle' });
        // What a cut peer goes on sending still arrives, and counts from then.
        if (prediction.kind !== 'interval' || situation.fault === 'to-peer') return;
        const { fromDropMs, fromLastActivityMs } = prediction;
        expect(fromLastActivityMs.min).toBeGreaterThanOrEqual(fromDropMs.min);
        expect(fromLastActivityMs.max).toBeGreaterThanOrEqual(fromDropMs.max);
      }),
      { numRuns: 500 },
    );
  });

  it('is no later than the timeouts of the heartbeat and of idleness', () => {
    fc.assert(
      fc.property(anySituation, (situation) => {
        const { heartbeat, idleTimeoutMs } = situation.mode;
        const prediction = predict(situation);
        if (prediction.kind !== 'interval' || situation.fault === 'to-peer') return;
        if (situation.load === 'connect') return;
        const latestMs = prediction.fromDropMs.max;
        expect(latestMs).toBeLessThanOrEqual(heartbeat?.timeoutMs ?? Infinity);
        expect(latestMs).toBeLessThanOrEqual(idleTimeoutMs ?? Infinity);
      }),
      { numRuns: 500 },
    );
  });
});

/** For the measuring program: its own wake-up, a clock read and a socket closed. */
const MEASURING_MS = 60;

const wholeSeconds = fc.integer({ min: 1, max: 100 });
const anySituation: fc.Arbitrary<Situation> = fc.record({
  mode: fc.record(
    {
      keepalive: fc.oneof(
        fc.constant('system' as const),
        fc.record({
          idleSeconds: wholeSeconds,
          intervalSeconds: wholeSeconds,
          count: fc.integer({ min: 1, max: 127 }),
        }),
      ),
      userTimeoutMs: fc.integer({ min: 1, max: 600_000 }),
      heartbeat: fc
        .tuple(fc.integer({ min: 10, max: 60_000 }), fc.integer({ min: 1, max: 600_000 }))
        .map(([intervalMs, more]) => ({ intervalMs, timeoutMs: intervalMs + more })),
      idleTimeoutMs: fc.integer({ min: 1, max: 600_000 }),
    },
    { requiredKeys: [] },
  ),
  load: fc.constantFrom(...(Object.keys(loadWords) as Load[])),
  fault: fc.oneof(
    fc.constantFrom<Fault>('blackhole', 'to-peer', 'from-peer', 'freeze', 'relay'),
    fc.constantFrom<Fault>('close', 'reset', 'loss=5%'),
    fc.integer({ min: 1, max: 600_000 }).map((ms): Fault => `outage=${ms}ms`),
  ),
  observer: fc.constantFrom('server' as const, 'client' as const),
  sysctls: fc
    .nat({ max: 20 })
    .map((retries2): Sysctls => ({ ...sysctlDefaults, tcp_retries2: retries2 })),
  hz: fc.constantFrom(undefined, 100, 250, 300, 1000),
});
