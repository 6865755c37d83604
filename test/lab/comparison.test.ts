import { describe, expect, it, onTestFinished } from 'vitest';
import type { Fault, Load, Observer } from '../../src/core/condition.js';
import { parseMode } from '../../src/core/mode.js';
import type { ComparisonEvent } from '../../src/core/progress.js';
import { planRow, type RowPlan } from '../../src/core/row.js';
import { instantAt } from '../../src/core/time.js';
import { hostFacts } from '../../src/kernel/host-facts.js';
import type { Remote } from '../../src/lab/channel.js';
import {
  runComparison,
  type ComparisonOutcome,
  type ComparisonSetting,
} from '../../src/lab/comparison.js';
import type { Peer } from '../../src/lab/peer.js';
import type { Station } from '../../src/lab/station.js';
import {
  engine,
  givesDescriptorsBack,
  kernel,
  lacks,
  lacksDescriptorCount,
  lacksEngine,
} from '../real-kernel.js';
import { refused } from '../net/refused.js';
import { asRemote } from './as-remote.js';
import { openStation } from './stations.js';

describe.each<Observer>(['server', 'client'])('a comparison observed at the %s', (observer) => {
  it.skipIf(lacksEngine || lacks('tcpInfo'))(
    'notices when dead, stays quiet when alive (needs tcpInfo, socketFilter or minTtl)',
    async () => {
      const { outcome } = await compared({
        rows: [{ ...row('heartbeat=100ms:600ms'), observer }],
      });
      expect(outcome.complete).toBe(true);
      const [beaten] = outcome.rows;
      expect(beaten).toMatchObject({
        mode: 'heartbeat=100ms:600ms',
        observer,
        connections: CONNECTIONS,
        drop: { engine, proven: true, deliveredSegments: 0 },
        measured: { waited: true, noticed: CONNECTIONS },
        by: { heartbeat: CONNECTIONS },
        lingering: [],
        healthy: { connections: CONNECTIONS, falseAlarms: 0 },
        footnotes: [],
      });
      expect(beaten?.measured.fromLastActivityMs?.min).toBeGreaterThanOrEqual(600);
      expect(beaten?.measured.fromDropMs?.min).toBeGreaterThan(0);
      expect(beaten?.measured.waitedMs).toBeGreaterThanOrEqual(600);
    },
  );
});

describe('a comparison', () => {
  it.skipIf(lacksEngine || lacks('tcpInfo', 'sockDiag'))(
    'shows what nobody notices, with the word of the kernel (needs tcpInfo, sockDiag, socketFilter or minTtl)',
    async () => {
      const { outcome } = await compared({ rows: [row('none'), row('none', 'write')] });
      const [idle, written] = outcome.rows;
      expect(idle).toMatchObject({
        by: {},
        drop: { proven: true },
        measured: { noticed: 0, fromDropMs: null },
        predicted: { kind: 'never' },
        lingering: [{ count: CONNECTIONS, state: 'ESTABLISHED', timer: 'none', expiresInMs: null }],
        agrees: true,
      });
      expect(written).toMatchObject({ drop: { proven: true }, measured: { noticed: 0 } });
      const waiting = written?.lingering ?? [];
      expect(waiting.reduce((sum, { count }) => sum + count, 0)).toBe(CONNECTIONS);
      for (const group of waiting) {
        expect(group).toMatchObject({ state: 'ESTABLISHED', timer: 'retransmit' });
        expect(group.sendQueueBytes).toBeGreaterThan(0);
      }
    },
  );

  it('needs nobody to notice a goodbye, nor anything to drop', async () => {
    const { outcome } = await compared({
      engine: null,
      rows: [row('none', 'idle', 'close'), row('none', 'idle', 'reset')],
    });
    expect(outcome.rows).toMatchObject([
      { fault: 'close', drop: null, by: { FIN: CONNECTIONS }, lingering: [] },
      { fault: 'reset', drop: null, by: { ECONNRESET: CONNECTIONS }, lingering: [] },
    ]);
    for (const { measured, healthy } of outcome.rows) {
      expect(measured.noticed).toBe(CONNECTIONS);
      expect(healthy.falseAlarms).toBe(0);
    }
  });

  it('does not drop what it only predicts', async () => {
    const waited = false;
    const { outcome, events } = await compared({
      engine: null,
      rows: [plan({ text: 'heartbeat=100ms:1m', load: 'idle', fault: 'blackhole', waited })],
    });
    expect(outcome.rows).toMatchObject([
      {
        connections: 1,
        drop: null,
        measured: { waited, waitedMs: 0, noticed: 0 },
        healthy: { connections: 0 },
        agrees: null,
      },
    ]);
    expect(events.map(({ kind }) => kind)).not.toContain('dropped');
  });

  it.skipIf(lacksEngine || lacks('tcpInfo'))(
    'tells in order what happens (needs tcpInfo, socketFilter or minTtl)',
    async () => {
      const { events } = await compared({
        rows: [row('heartbeat=100ms:600ms'), row('none', 'idle', 'close')],
      });
      const [first, second] = events;
      expect(first).toMatchObject({
        kind: 'planned',
        rows: [
          { mode: 'heartbeat=100ms:600ms', fault: 'blackhole', connections: CONNECTIONS },
          { mode: 'none', fault: 'close', connections: CONNECTIONS },
        ],
      });
      // Each row's connections and their twins, and one for the other direction.
      expect(second).toEqual({ kind: 'stage', text: `opening ${4 * CONNECTIONS + 1} connections` });
      const told = events.filter((event) => 'row' in event && event.row === 0);
      const kinds = told.map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === 'noticed')).toHaveLength(CONNECTIONS);
      expect(kinds.indexOf('beats')).toBeLessThan(kinds.indexOf('dropped'));
      expect(kinds.indexOf('dropped')).toBeLessThan(kinds.indexOf('noticed'));
      expect(kinds.lastIndexOf('noticed')).toBeLessThan(kinds.indexOf('row-done'));
      expect(kinds).not.toContain('false-alarm');
    },
  );

  it('counts what is given up before the drop as false alarms', async () => {
    // This server waits for beats that never come.
    const { outcome, events } = await compared(
      {
        engine: null,
        rows: [row('heartbeat=100ms:200ms', 'idle', 'close')],
      },
      (peer) => ({ ...peer, connect: (request) => peer.connect({ ...request, mode: {} }) }),
    );
    expect(outcome.rows[0]).toMatchObject({ connections: 0, measured: { noticed: 0 } });
    // The twins were given up too.
    expect(outcome.rows[0]?.healthy).toEqual({
      connections: 2 * CONNECTIONS,
      falseAlarms: 2 * CONNECTIONS,
    });
    expect(events.filter(({ kind }) => kind === 'false-alarm')).toHaveLength(CONNECTIONS);
    expect(outcome.rows[0]?.footnotes).toEqual([
      `${CONNECTIONS} given up before the drop, counted as false alarms`,
    ]);
  });

  it.skipIf(lacksEngine || lacks('tcpInfo'))(
    'says when a drop is not proven (needs tcpInfo, socketFilter or minTtl)',
    async () => {
      // A peer that only claims to have cut its end, and lies about what it received.
      const { outcome } = await compared({ rows: [row('none')] }, (peer) => ({
        ...peer,
        cut: async ({ ids }) => {
          const snapshots = await peer.look({ ids });
          return snapshots.map(({ id, info, drops }) => ({ id, info, drops, at: instantAt(0) }));
        },
      }));
      expect(outcome.rows[0]?.drop).toMatchObject({ proven: false });
      expect(outcome.rows[0]?.footnotes).toContain('the drop is not proven for every connection');
    },
  );

  it('LAB_FAILED when not every connection of a row can be opened', async () => {
    const attempt = compared({ engine: null, rows: [row('none', 'idle', 'close')] }, (peer) => ({
      ...peer,
      connect: async (request) => {
        const { answered } = await peer.connect(request);
        return { answered: answered.slice(1) };
      },
    }));
    const refusal = await refused(attempt);
    expect(refusal.code).toBe('LAB_FAILED');
    expect(refusal.message).toBe(
      `only ${CONNECTIONS - 1} of ${CONNECTIONS} connections of a row could be opened`,
    );
  });
});

describe('an interrupted comparison', () => {
  it.skipIf(lacksEngine || lacks('tcpInfo'))(
    'tells what was known by then (needs tcpInfo, socketFilter or minTtl)',
    async () => {
      const interruption = new AbortController();
      const { outcome } = await compared(
        { rows: [row('none', 'idle', 'blackhole', FOREVER_MS)] },
        undefined,
        {
          interruption,
          onEvent: ({ kind }) => kind === 'dropped' && interruption.abort(),
        },
      );
      expect(outcome).toMatchObject({
        complete: false,
        rows: [{ measured: { noticed: 0 }, connections: CONNECTIONS }],
      });
    },
  );

  it('drops nothing when it has not come to that', async () => {
    const interruption = new AbortController();
    const { outcome, events } = await compared(
      { rows: [row('heartbeat=100ms:1m', 'idle', 'blackhole', FOREVER_MS)] },
      undefined,
      { interruption, onEvent: ({ kind }) => kind === 'beats' && interruption.abort() },
    );
    expect(outcome.complete).toBe(false);
    expect(outcome.rows).toMatchObject([{ drop: null, agrees: null, measured: { waitedMs: 0 } }]);
    expect(events.map(({ kind }) => kind)).not.toContain('dropped');
  });
});

it.skipIf(lacksDescriptorCount || lacksEngine || lacks('tcpInfo'))(
  'a comparison gives every descriptor back (needs Linux, tcpInfo, socketFilter or minTtl)',
  async () => {
    await givesDescriptorsBack(async () => {
      await compared({ rows: [row('heartbeat=100ms:600ms'), row('none', 'write')] });
    });
  },
);

const CONNECTIONS = 3;

/** Longer than the longest timeout that is waited for here. */
const LIMIT_MS = 660;

/** Only an interruption ends it. */
const FOREVER_MS = 3_600_000;

interface Compared {
  readonly outcome: ComparisonOutcome;
  readonly events: readonly ComparisonEvent[];
}

/** With peers of this process: whatever takes SIGSTOP is left to the end-to-end tests. */
async function compared(
  setting: Partial<ComparisonSetting> & Pick<ComparisonSetting, 'rows'>,
  disguised: (peer: Remote<Station>) => Remote<Station> = (peer) => peer,
  {
    interruption = new AbortController(),
    onEvent,
  }: {
    readonly interruption?: AbortController;
    readonly onEvent?: (event: ComparisonEvent) => unknown;
  } = {},
): Promise<Compared> {
  const events: ComparisonEvent[] = [];
  const connecting: Promise<unknown>[] = [];
  const startPeer = (): Promise<Peer> => {
    const peer = asRemote(openStation().station);
    const connect: typeof peer.connect = (request) => {
      const answer = peer.connect(request);
      connecting.push(answer);
      return answer;
    };
    return Promise.resolve({
      pid: process.pid,
      station: disguised({ ...peer, connect }),
      stop: () => undefined,
      goOn: () => undefined,
      end: () => Promise.resolve(),
    });
  };
  onTestFinished(() => interruption.abort());
  try {
    const outcome = await runComparison(
      { kernel, startPeer, interruption: interruption.signal },
      {
        connections: CONNECTIONS,
        engine,
        hz: kernel.ticksPerSecond(),
        ...setting,
      },
      (event) => {
        events.push(event);
        onEvent?.(event);
      },
    );
    return { outcome, events };
  } finally {
    await Promise.all(connecting); // they go on; a peer's process would have ended
  }
}

function row(
  text: string,
  load: Load = 'idle',
  fault: Fault = 'blackhole',
  limitMs = LIMIT_MS,
): RowPlan {
  return plan({ text, load, fault, waited: true, limitMs });
}

function plan({
  text,
  limitMs = LIMIT_MS,
  ...spec
}: {
  readonly text: string;
  readonly load: Load;
  readonly fault: Fault;
  readonly waited: boolean;
  readonly limitMs?: number;
}): RowPlan {
  const mode = parseMode(text);
  const hz = kernel.ticksPerSecond();
  const planned = planRow(
    { ...spec, mode },
    { observer: 'server', limitMs, sysctls: hostFacts(kernel).sysctl, hz },
  );
  // A mode without a period would be spread over a second.
  return { ...planned, spanMs: Math.min(planned.spanMs, 100) };
}
