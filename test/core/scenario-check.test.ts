import { describe, expect, it } from 'vitest';
import type { Lingering } from '../../src/core/result.js';
import {
  checkScenario,
  type ScenarioExpectation,
  type ScenarioFacts,
} from '../../src/core/scenario-check.js';

const stale: Lingering = {
  count: 5,
  state: 'ESTABLISHED',
  timer: 'none',
  expiresInMs: null,
  retransmissions: 0,
  sendQueueBytes: 0,
  dies: { kind: 'never', rule: 'nothing is in flight and no timer is armed' },
};

const facts: ScenarioFacts = {
  opened: 6,
  answered: 6,
  refused: 0,
  noticed: 0,
  established: 6,
  stale: 5,
  live: 1,
  peakDescriptors: 31,
  staleSockets: [stale],
};

const staleStays: readonly ScenarioExpectation[] = [
  { mode: undefined, quantity: 'established', comparator: '=', value: 6 },
  { mode: undefined, quantity: 'peakDescriptors', comparator: '<=', value: 64 },
  { mode: undefined, quantity: 'timer', comparator: '=', value: 'none' },
];

describe('checkScenario', () => {
  it('passes what holds', () => {
    expect(checkScenario(staleStays, {}, facts)).toEqual([
      { text: 'established=6', got: '6', pass: true },
      { text: 'peakDescriptors<=64', got: '31', pass: true },
      { text: 'timer=none', got: 'none', pass: true },
    ]);
  });

  it('fails what does not, with what was found', () => {
    const crowded = {
      ...facts,
      established: 5,
      peakDescriptors: 65,
      staleSockets: [{ ...stale, timer: 'keepalive' as const }],
    };
    expect(checkScenario(staleStays, {}, crowded)).toEqual([
      { text: 'established=6', got: '5', pass: false },
      { text: 'peakDescriptors<=64', got: '65', pass: false },
      { text: 'timer=none', got: 'keepalive', pass: false },
    ]);
  });

  it('asks only what is about the mode that was played', () => {
    const expectations: readonly ScenarioExpectation[] = [
      { mode: 'none', quantity: 'refused', comparator: '>', value: 0 },
      { mode: 'heartbeat=1s:3s', quantity: 'refused', comparator: '=', value: 0 },
    ];
    const heartbeat = { heartbeat: { intervalMs: 1000, timeoutMs: 3000 } };
    expect(checkScenario(expectations, heartbeat, facts)).toEqual([
      { text: 'refused=0', got: '0', pass: true },
    ]);
    expect(checkScenario(expectations, {}, facts)).toEqual([
      { text: 'refused>0', got: '0', pass: false },
    ]);
    expect(checkScenario(expectations, { idleTimeoutMs: 3000 }, facts)).toEqual([]);
  });
});

describe('a fact about the stale sockets', () => {
  const retransmits: readonly ScenarioExpectation[] = [
    { mode: undefined, quantity: 'retransmissions', comparator: '>', value: 0 },
  ];

  it('must hold for all of them', () => {
    const groups = [
      { ...stale, count: 3, retransmissions: 4 },
      { ...stale, count: 2, retransmissions: 4 },
      { ...stale, count: 1, retransmissions: 5 },
    ];
    const [all] = checkScenario(retransmits, {}, { ...facts, staleSockets: groups });
    expect(all).toEqual({ text: 'retransmissions>0', got: '4, 5', pass: true });
    const [allButOne] = checkScenario(
      retransmits,
      {},
      { ...facts, staleSockets: [...groups, stale] },
    );
    expect(allButOne).toEqual({ text: 'retransmissions>0', got: '4, 5, 0', pass: false });
  });

  it.each([{ staleSockets: [] }, { staleSockets: [{ ...stale, count: 0, retransmissions: 4 }] }])(
    'does not hold where there is none',
    (none) => {
      expect(checkScenario(retransmits, {}, { ...facts, ...none })).toEqual([
        { text: 'retransmissions>0', got: 'no stale socket', pass: false },
      ]);
    },
  );
});
