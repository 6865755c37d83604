import { describe, expect, it } from 'vitest';
import type { GuardEvent } from '../../src/core/guard/guard-log.js';
import type { GuardStatus, ServiceStatus } from '../../src/core/guard/guard-status.js';
import { guardMetrics } from '../../src/report/guard-metrics.js';
import { guardLine, serviceLines } from '../../src/report/guard-line.js';

const style = { color: false, unicode: false, width: 80 };
const time = '2026-11-21T12:00:00.000Z';
const web = { service: 'web' };

const EVENTS: readonly GuardEvent[] = [
  { event: 'guarding', schema: 'tcpalive/guard/1', pid: 1, services: ['web'], dryRun: true },
  { ...web, event: 'started', pid: 42 },
  { ...web, event: 'alive', afterMs: 150, watched: true },
  { ...web, event: 'alive', afterMs: 0, watched: false },
  { ...web, event: 'failed', by: 'tcp://127.0.0.1:1', reason: 'refused \x1b[2J' },
  {
    ...web,
    event: 'dead',
    by: 'beats',
    silentMs: 3000,
    starting: false,
    reason: null,
    action: 'restart',
  },
  {
    ...web,
    event: 'dead',
    by: 'systemd',
    silentMs: 30_000,
    starting: true,
    reason: 'so',
    action: 'none',
  },
  { ...web, event: 'exited', pid: 42, code: null, signal: 'SIGSEGV' },
  { ...web, event: 'stopped', by: 'KILL', tookMs: 10_020 },
  { ...web, event: 'survivors', processes: [{ pid: 43, name: 'nfs' }] },
  { ...web, event: 'restarting', inMs: 0, restart: 1, most: 10, withinMs: 600_000 },
  { ...web, event: 'restarting', inMs: 400, restart: 2, most: 10, withinMs: 600_000 },
  { ...web, event: 'called', what: 'http://127.0.0.1/x', attempt: 2, reason: '503' },
  { ...web, event: 'gave-up', restarts: 10, withinMs: 600_000, then: 'wait' },
  { ...web, event: 'gave-up', restarts: 10, withinMs: 600_000, then: 'exit' },
  { event: 'own-trouble', kind: 'late', lateMs: 5000, services: ['web', 'db'] },
  { event: 'own-trouble', kind: 'together', lateMs: null, services: ['web', 'db'] },
  { event: 'reloaded', added: ['new'], removed: [], changed: ['web'], revived: [] },
  { event: 'untold', entries: 17 },
  { event: 'summary', durationMs: 90_061_000, restarts: { web: 1 }, lost: ['web'] },
];

describe('what a guardian tells', () => {
  it('is a line an event, safe on a terminal', () => {
    expect(EVENTS.map((event) => guardLine({ ...event, time }, false, style)).join(''))
      .toMatchInlineSnapshot(`
      "12:00:00.000  guarding web (only told: --dry-run)
      12:00:00.000  web  started as process 42
      12:00:00.000  web  alive after 0.15s
      12:00:00.000  web  started; no sign of life is asked for: only its end is noticed (--check, --alive-by)
      12:00:00.000  web  tcp://127.0.0.1:1: refused \\x1b[2J
      12:00:00.000  web  dead: beats not heard for 3.00s
      12:00:00.000  web  dead: systemd not heard once in 30.00s: so (only told)
      12:00:00.000  web  process 42 ended: SIGSEGV
      12:00:00.000  web  stopped by SIGKILL in 10.02s
      12:00:00.000  web  cannot be ended: nfs[43]; no other one is started beside them
      12:00:00.000  web  restart 1 of 10 in 10m0s, now
      12:00:00.000  web  restart 2 of 10 in 10m0s, in 0.40s
      12:00:00.000  web  called http://127.0.0.1/x, attempt 2: 503
      12:00:00.000  web  given up after 10 restarts in 10m0s: SIGHUP tries again
      12:00:00.000  web  given up after 10 restarts in 10m0s: the guardian and all its services end
      12:00:00.000  the guardian itself looked 5.00s late: silence counts anew for web, db
      12:00:00.000  several fell silent at one instant: silence counts anew for web, db
      12:00:00.000  read again: added new; changed web
      12:00:00.000  17 lines left out here: they are not read fast enough
      12:00:00.000  1d1h: web 1 restart; lost: web
      "
    `);
  });

  it('is JSON a line', () => {
    expect(guardLine({ ...web, event: 'started', pid: 42, time }, true, style)).toBe(
      `{"service":"web","event":"started","pid":42,"time":"${time}"}\n`,
    );
  });
});

describe('the status of a guardian', () => {
  const alive: ServiceStatus = {
    name: 'web',
    state: 'alive',
    sinceMs: 12_300,
    pid: 42,
    restarts: 1,
    lastDown: null,
    signs: [{ by: 'beats', silentMs: 400, timeoutMs: 3000 }],
  };
  const status: GuardStatus = {
    schema: 'tcpalive/guard-status/1',
    time,
    pid: 1,
    uptimeMs: 20_000,
    residentBytes: 1000,
    refused: { token: 2 },
    problems: ['broken is gave-up'],
    services: [
      alive,
      { ...alive, name: 'broken', state: 'gave-up', pid: null, restarts: 3, signs: [] },
    ],
  };

  it('is a line a service, none wider than the terminal', () => {
    expect(serviceLines(status, style).join('\n')).toMatchInlineSnapshot(`
      "web     alive      12.3s   pid 42  1 restart  beats 0.4s ago (of 3s)
      broken  gave-up    12.3s   3 restarts"
    `);
    const narrow = serviceLines(status, { ...style, width: 20 });
    expect(narrow.every((line) => line.length <= 20)).toBe(true);
  });

  it('is metrics', async () => {
    const text = await guardMetrics(status);
    expect(
      text
        .split('\n')
        .filter((line) => !/^#|^$/.test(line))
        .join('\n'),
    ).toMatchInlineSnapshot(`
      "tcpalive_guard_service_alive{service="web",state="alive"} 1
      tcpalive_guard_service_alive{service="broken",state="gave-up"} 0
      tcpalive_guard_silence_seconds{service="web",by="beats"} 0.4
      tcpalive_guard_restarts_total{service="web"} 1
      tcpalive_guard_restarts_total{service="broken"} 3
      tcpalive_guard_refused_total{cause="token"} 2
      tcpalive_guard_resident_bytes 1000
      tcpalive_guard_uptime_seconds 20
      tcpalive_guard_healthy 0"
    `);
  });

  it('leaves out of its metrics what it does not know', async () => {
    const text = await guardMetrics({ ...status, residentBytes: null });
    expect(text).not.toContain('resident_bytes');
    expect(text).toContain('tcpalive_guard_uptime_seconds 20\n');
  });
});
