import { describe, expect, it } from 'vitest';
import type { ServeEntry } from '../../src/core/serve-log.js';
import { serveLine } from '../../src/report/serve-line.js';
import { plainStyle } from './comparison-fixture.js';

const time = '2026-11-20T14:02:07.123Z';
const about = { time, worker: null, connection: 1, peer: '192.0.2.7:40001' };
const limit = { event: 'limit', time, connections: 208, perAddress: null, evict: false } as const;

const entries: readonly ServeEntry[] = [
  {
    event: 'listening',
    time,
    schema: 'tcpalive/serve/1',
    address: '[::1]:7777',
    mode: 'heartbeat=1s:3s',
    framing: 'length16',
    pid: 4711,
  },
  { ...limit, keptMs: null, perSecond: 0 },
  { ...limit, keptMs: 3000, perSecond: 69.3 },
  { ...limit, connections: 30, perAddress: 20, keptMs: 939_000, perSecond: 0.032 },
  { ...limit, evict: true, keptMs: 3000, perSecond: 69.3 },
  { event: 'status', time, address: '127.0.0.1:7778' },
  { event: 'accept', time, works: false, reason: 'EMFILE' },
  { event: 'accept', time, works: true, reason: null },
  { event: 'worker-started', time, worker: 2, pid: 4713 },
  {
    event: 'worker-lost',
    time,
    worker: 2,
    pid: 4713,
    reason: 'it ended (SIGKILL)',
    connections: 7,
  },
  { event: 'restarting', time, pid: 4711, successor: 4712, readyTimeoutMs: 30_000 },
  { event: 'restarted', time, pid: 4711, successor: 4712 },
  { event: 'restart-failed', time, pid: 4711, reason: 'it ended early (exit 1)' },
  { event: 'restart-refused', time, pid: 4711, reason: 'another restart is under way' },
  { event: 'untold', time, entries: 17 },
  { event: 'draining', time, pid: 4711, connections: 12, timeoutMs: 60_000 },
  { event: 'opened', ...about, settings: 'none' },
  { event: 'opened', ...about, worker: 2, settings: 'none' },
  { event: 'opened', ...about, connection: 1000, settings: 'keepalive=60s:10s:6' },
  { event: 'frame', ...about, bytes: 64, beat: false },
  { event: 'frame', ...about, bytes: 0, beat: true },
  { event: 'unanswered', ...about },
  { event: 'silent', ...about, silentMs: 1500 },
  { event: 'noticed', ...about, by: 'heartbeat', silentMs: 3004 },
  {
    event: 'closed',
    ...about,
    by: 'violation',
    reason: 'frame of 65535 bytes announced, at most 16 accepted',
    frames: 1,
    skippedBytes: 0,
    lifetimeMs: 1234,
  },
  {
    event: 'closed',
    ...about,
    by: 'FIN',
    reason: null,
    frames: 0,
    skippedBytes: 12,
    lifetimeMs: 939_000,
  },
  {
    event: 'refused',
    time,
    worker: null,
    peer: '192.0.2.8:40002',
    cause: 'connections',
    reason: 'as many as allowed are open',
  },
  {
    event: 'summary',
    time,
    durationMs: 61_234,
    connections: 3,
    refused: 1,
    frames: 2,
    skippedBytes: 12,
    open: 1,
    endedBy: { FIN: 1, heartbeat: 1 },
  },
];

describe('serveLine', () => {
  it('is a line an event', () => {
    expect(entries.map((entry) => serveLine(entry, false, plainStyle)).join(''))
      .toMatchInlineSnapshot(`
      "14:02:07.123  listening  on [::1]:7777, mode heartbeat=1s:3s, framing length16
      14:02:07.123  limit     208 connections; one that vanishes stays for ever: 208 of them lock everybody out
      14:02:07.123  limit     208 connections; one that vanishes stays 3.00s: more than 69 a second lock everybody out
      14:02:07.123  limit     30 connections, 20 from one address; one that vanishes stays 15m39s: more than one in 31.25s lock everybody out
      14:02:07.123  limit     208 connections; at the limit the longest silent one makes room
      14:02:07.123  status    http://127.0.0.1:7778/status, /metrics and /healthz
      14:02:07.123  accept    nobody who connects is let in: EMFILE
      14:02:07.123  accept    works again
      14:02:07.123  worker-started  worker 2 is process 4713
      14:02:07.123  worker-lost  worker 2, process 4713: it ended (SIGKILL); 7 connections lost, and another is started
      14:02:07.123  restarting  process 4711: the next version starts as process 4712
      14:02:07.123  restarted  process 4711: process 4712 serves now
      14:02:07.123  restart-failed  process 4711 goes on: it ended early (exit 1)
      14:02:07.123  restart-refused  process 4711: another restart is under way
      14:02:07.123  untold    17 lines about connections were left out here: they are not read fast enough
      14:02:07.123  draining  process 4711: no more connections; 12 connections served for 1m0s at most
      14:02:07.123  #1    opened    192.0.2.7:40001
      14:02:07.123  w2#1  opened    192.0.2.7:40001
      14:02:07.123  #1000 opened    192.0.2.7:40001  keepalive=60s:10s:6 (read back)
      14:02:07.123  #1    frame     192.0.2.7:40001  64 bytes
      14:02:07.123  #1    frame     192.0.2.7:40001  beat
      14:02:07.123  #1    unanswered  192.0.2.7:40001  too many delayed replies waiting: this frame gets none
      14:02:07.123  #1    silent    192.0.2.7:40001  nothing received for 1.50s
      14:02:07.123  #1    noticed   192.0.2.7:40001  by heartbeat, 3.00s after the last received byte
      14:02:07.123  #1    closed    192.0.2.7:40001  by violation: frame of 65535 bytes announced, at most 16 accepted  (1 frame, 1.2s)
      14:02:07.123  #1    closed    192.0.2.7:40001  by FIN  (0 frames, 12 bytes skipped, 15m39s)
      14:02:07.123  refused   192.0.2.8:40002  as many as allowed are open
      3 connections in 1m1s, 2 frames, 12 bytes skipped, 1 refused, 1 open to the end; ended: 1 by FIN, 1 by heartbeat
      "
    `);
  });

  it('sums up when nothing happened', () => {
    const nothing: ServeEntry = {
      event: 'summary',
      time,
      durationMs: 0,
      connections: 0,
      refused: 0,
      frames: 0,
      skippedBytes: 0,
      open: 0,
      endedBy: {},
    };
    expect(serveLine(nothing, false, plainStyle)).toBe(
      '0 connections in 0s, 0 frames, 0 refused, 0 open to the end; none ended\n',
    );
  });

  it('colours what went wrong, and nothing else', () => {
    const painted = entries
      .filter((entry) => serveLine(entry, false, { ...plainStyle, color: true }).includes('\x1b'))
      .map(({ event }) => event);
    expect(painted).toEqual([
      'accept',
      'worker-lost',
      'restart-failed',
      'silent',
      'noticed',
      'refused',
    ]);
    const noticed: ServeEntry = { event: 'noticed', ...about, by: 'heartbeat', silentMs: 3004 };
    expect(serveLine(noticed, false, { ...plainStyle, color: true })).toBe(
      `\x1b[31m${serveLine(noticed, false, plainStyle).trimEnd()}\x1b[39m\n`,
    );
  });

  it('is the entry itself as JSON, never coloured', () => {
    for (const entry of entries) {
      const text = serveLine(entry, true, { ...plainStyle, color: true });
      expect(JSON.parse(text)).toEqual(entry);
      expect(text.split('\n')).toHaveLength(2);
      expect(text).not.toContain('\x1b');
    }
  });

  it('shows what a terminal would have acted on', () => {
    const reason = 'bad\x1b[2J\r\nbytes';
    const peer = '[fe80::1%\x9b]:1';
    const refused: ServeEntry = {
      event: 'refused',
      time,
      worker: null,
      peer,
      cause: 'mode',
      reason,
    };
    expect(serveLine(refused, false, plainStyle)).toBe(
      '14:02:07.123  refused   [fe80::1%\\x9b]:1  bad\\x1b[2J\\x0d\\x0abytes\n',
    );
    expect(serveLine(refused, true, plainStyle)).toContain(
      String.raw`"peer":"[fe80::1%\u009b]:1","cause":"mode","reason":"bad\u001b[2J\r\nbytes"`,
    );
  });
});
