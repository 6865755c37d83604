import { describe, expect, it } from 'vitest';
import { mergeSnapshots } from '../../src/core/serve-status.js';
import { snapshot } from './server-snapshot.js';

const time = '2026-11-20T14:02:07.123Z';

describe('the status of a server', () => {
  it('of one process is what that knows', () => {
    const one = snapshot();
    expect(mergeSnapshots([one], time)).toEqual({
      schema: 'tcpalive/serve-status/1',
      time,
      draining: false,
      problems: [],
      uptimeMs: 60_000,
      connections: {
        open: 10,
        byState: { active: 4, silent: 3, unread: 2, closing: 1 },
        byMode: { 'heartbeat=1s:3s': 10 },
      },
      maxConnections: 20,
      evict: false,
      longestSilenceMs: 2500,
      unsentBytes: 4096,
      residentBytes: 50_000_000,
      counts: one.counts,
      descriptors: { open: 40, limit: 256 },
      loopDelayMs: { p99: 1.5, max: 4 },
      accept: { kind: 'works', reason: null, failures: 1 },
      workers: [one],
    });
  });

  it('has no memory in all where one process cannot tell its own', () => {
    const workers = [snapshot(), snapshot({ pid: 2, residentBytes: null })];
    expect(mergeSnapshots(workers, time).residentBytes).toBeNull();
  });

  it('of several is their sum, their worst, and each of them', () => {
    const workers = [
      snapshot(),
      snapshot({
        pid: 2,
        uptimeMs: 70_000,
        mode: 'none',
        longestSilenceMs: null,
        loopDelayMs: { p99: 0.5, max: 9 },
        accept: { kind: 'unknown', reason: null, failures: 0 },
        counts: { ...snapshot().counts, endedBy: { FIN: 1, evicted: 2 } },
      }),
    ];
    expect(mergeSnapshots(workers, time)).toMatchObject({
      problems: [],
      uptimeMs: 70_000,
      connections: {
        open: 20,
        byState: { active: 8, silent: 6, unread: 4, closing: 2 },
        byMode: { 'heartbeat=1s:3s': 10, none: 10 },
      },
      maxConnections: 40,
      longestSilenceMs: 2500,
      unsentBytes: 8192,
      counts: {
        accepted: 60,
        rejected: { connections: 2, address: 4, mode: 0 },
        endedBy: { FIN: 11, heartbeat: 10, evicted: 2 },
        frames: 1000,
        beats: 800,
        unanswered: 2,
      },
      descriptors: { open: 80, limit: 512 },
      loopDelayMs: { p99: 1.5, max: 9 },
      accept: { kind: 'works', reason: null, failures: 1 },
      workers,
    });
  });

  it('does not know in all what one process does not know', () => {
    const blind = snapshot({ maxConnections: null, descriptors: { open: null, limit: null } });
    expect(mergeSnapshots([snapshot(), blind], time)).toMatchObject({
      maxConnections: null,
      descriptors: { open: null, limit: null },
    });
  });
});

describe('what is wrong with a server', () => {
  it('is that workers do not answer, be it all of them', () => {
    expect(mergeSnapshots([snapshot()], time, { processes: 2 }).problems).toEqual([
      '1 of 2 workers do not answer',
    ]);
    expect(mergeSnapshots([], time, { processes: 2 })).toMatchObject({
      problems: ['2 of 2 workers do not answer'],
      connections: { open: 0, byState: { active: 0 } },
      counts: { accepted: 0, rejected: { address: 0 } },
      workers: [],
    });
  });

  it('is that it is about to end', () => {
    expect(mergeSnapshots([snapshot()], time, { draining: true })).toMatchObject({
      draining: true,
      problems: ['it is draining: nobody is let in any more'],
    });
  });

  const problems = (some: Parameters<typeof snapshot>[0]) =>
    mergeSnapshots([snapshot(), snapshot({ pid: 2, ...some })], time).problems;

  it('is that nobody is accepted', () => {
    const accept = { kind: 'fails', reason: 'EMFILE', failures: 2 } as const;
    expect(problems({ accept })).toEqual(['process 2 accepts nobody: EMFILE']);
  });

  it('is that it is full, unless somebody makes room', () => {
    expect(problems({ maxConnections: 11 })).toEqual([]);
    expect(problems({ maxConnections: 10 })).toEqual([
      'process 2 is full: 10 of 10 connections are open',
    ]);
    expect(problems({ maxConnections: 10, evict: true })).toEqual([]);
  });

  it('is that there is no descriptor left', () => {
    expect(problems({ descriptors: { open: 255, limit: 256 } })).toEqual([]);
    expect(problems({ descriptors: { open: 256, limit: 256 } })).toEqual([
      'process 2 has no descriptor left: 256 of 256 are open',
    ]);
  });
});
