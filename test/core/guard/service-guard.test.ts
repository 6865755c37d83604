import { describe, expect, it } from 'vitest';
import { drive, exited, GONE, STOPPED, type Driven } from './driven.js';
import { CHECK, check, service } from './service.js';

const STARTED = { kind: 'started', pid: 42 } as const;

describe('a service that is checked', () => {
  it('is stopped and started again when it answers no more', () => {
    const driven = alive();
    expect(driven.at(3999).passes()).toEqual([]);
    expect(driven.at(4000).passes()).toEqual([
      `4000 web dead by=${CHECK} silentMs=3000 starting=false reason=null action=restart`,
      '4000 web stop! diagnose',
    ]);
    expect(driven.at(4100).input(STOPPED)).toEqual([
      '4100 web stopped by=TERM tookMs=12',
      '4100 web restarting inMs=0 restart=1',
    ]);
    expect(driven.at(4100).passes()).toEqual(['4100 web start!']);
    expect(driven.at(4200).input(STARTED)).toEqual(['4200 web started pid=42']);
    expect(driven.at(4300).hears(CHECK)).toEqual(['4300 web alive afterMs=100 watched=true']);
  });

  it('is left in peace while it answers', () => {
    const driven = alive();
    for (let ms = 1000; ms < 600_000; ms += 2999) expect(driven.at(ms).hears(CHECK)).toEqual([]);
  });

  it('has its first failure told, and the last one named in the verdict', () => {
    const driven = alive();
    expect(driven.at(2000).hears(CHECK, 'failed')).toEqual([
      `2000 web failed by=${CHECK} reason=it said no`,
    ]);
    expect(driven.at(3000).hears(CHECK, 'failed')).toEqual([]);
    expect(driven.at(4000).passes()[0]).toContain('reason=it said no');
  });

  it('has the time of its start for the first answer', () => {
    const driven = started();
    expect(driven.at(9999).passes()).toEqual([]);
    expect(driven.at(10_000).passes()[0]).toBe(
      `10000 web dead by=${CHECK} silentMs=10000 starting=true reason=null action=restart`,
    );
  });

  it('is not told to fail while it starts, but why it never was alive', () => {
    const driven = started();
    expect(driven.at(500).hears(CHECK, 'failed')).toEqual([]);
    expect(driven.at(10_000).passes()[0]).toContain('starting=true reason=it said no');
  });

  it('is not alive before all that it is alive by has been heard', () => {
    const driven = drive([service({ checks: [check()], aliveBy: ['systemd'] })]);
    driven.at(0).begin();
    driven.at(0).input(STARTED);
    expect(driven.at(100).hears(CHECK)).toEqual([]);
    expect(driven.at(200).hears('systemd', 'ready')).toEqual([
      '200 web alive afterMs=200 watched=true',
    ]);
  });

  it('is dead when a worker answers no more though its main loop beats', () => {
    const driven = alive();
    for (let ms = 1000; ms < 4000; ms += 500) driven.at(ms).hears('beats');
    expect(driven.at(4000).passes()[0]).toContain(`dead by=${CHECK}`);
  });
});

describe('a service that speaks for itself', () => {
  it('is alive from its start when nothing is asked of it', () => {
    const driven = drive([service()]);
    driven.at(0).begin();
    expect(driven.at(10).input(STARTED)).toEqual([
      '10 web started pid=42',
      '10 web alive afterMs=0 watched=false',
    ]);
    expect(driven.at(600_000).passes()).toEqual([]);
  });

  it('is held to it once it has begun', () => {
    const driven = quiet();
    driven.at(1000).hears('systemd');
    expect(driven.at(4000).passes()[0]).toContain('dead by=systemd silentMs=3000');
  });

  it('is not judged by beats that it never promised: READY=1 alone is none', () => {
    const driven = quiet();
    driven.at(1000).hears('systemd', 'ready');
    expect(driven.at(600_000).passes()).toEqual([]);
  });

  it('is dead at once when it says so itself, and again only once it has lived', () => {
    const driven = quiet();
    driven.at(1000).hears('systemd');
    expect(driven.at(1500).hears('systemd', 'failed')).toEqual([
      '1500 web dead by=systemd silentMs=500 starting=false reason=it said no action=restart',
      '1500 web stop! diagnose',
    ]);
    const told = quiet({ onDead: 'report' });
    expect(told.at(10).hears('systemd', 'failed')).toHaveLength(1);
    expect(told.at(20).hears('systemd', 'failed')).toEqual([]);
    expect(told.at(30).hears('systemd')).toEqual(['30 web alive afterMs=20 watched=true']);
  });

  it('is back within a second when its connection ended, or dead', () => {
    const driven = quiet();
    driven.at(1000).hears('beats');
    expect(driven.at(1500).hears('beats', 'failed')).toEqual([
      '1500 web failed by=beats reason=it said no',
    ]);
    driven.at(2000).hears('beats');
    expect(driven.at(4999).passes()).toEqual([]);
    driven.at(4999).hears('beats');
    driven.at(5000).hears('beats', 'failed');
    expect(driven.at(6000).passes()[0]).toContain('dead by=beats silentMs=1001');
  });

  it('may leave off beating when it says so', () => {
    const driven = quiet();
    driven.at(1000).hears('beats');
    driven.at(1500).hears('beats', 'stopping');
    expect(driven.at(600_000).passes()).toEqual([]);
  });

  it('is gone in time when it says that it stops, and ended well if it did', () => {
    const driven = alive();
    driven.at(2000).hears('systemd', 'stopping');
    expect(driven.at(6999).passes()).toEqual([]);
    expect(driven.at(6999).input(exited(0))).toEqual([
      '6999 web exited pid=42 code=0 signal=null',
      '6999 web stop!',
    ]);
    expect(driven.at(7001).input(GONE)).toEqual(['7001 web ended reason=exit 0', '7001 done']);
  });

  it('is stopped when it says that it stops, and does not', () => {
    const driven = alive();
    driven.at(2000).hears('systemd', 'stopping');
    expect(driven.at(7000).passes()[0]).toContain('reason=it said that it stops, and did not');
  });

  it('gets more time to start when it asks for it, and none for its silences', () => {
    const driven = started();
    driven.at(5000).hears('systemd', 'extend');
    expect(driven.at(24_999).passes()).toEqual([]);
    driven.at(24_999).hears(CHECK);
    driven.at(25_000).hears('systemd', 'extend');
    expect(driven.at(27_999).passes()[0]).toContain('dead');
  });

  it('gets more time before SIGKILL when it asks for it, up to ten minutes', () => {
    const driven = alive();
    driven.at(2000).end();
    expect(driven.at(3000).hears('systemd', 'extend')).toEqual(['3000 web extend! until 23000']);
    expect(driven.at(590_000).hears('systemd', 'extend')).toEqual([
      '590000 web extend! until 602000',
    ]);
  });

  it('is followed when it replaces itself', () => {
    const driven = quiet();
    expect(driven.at(100).hears('systemd', 'main-pid')).toEqual(['100 web follow! 77']);
    expect(driven.at(101).input({ kind: 'followed', pid: 77, refusal: undefined })).toEqual([
      '101 web follows pid=77',
    ]);
    expect(driven.at(102).hears('systemd', 'main-pid')).toEqual([]);
    expect(driven.at(200).input(exited(1))[0]).toBe('200 web exited pid=77 code=1 signal=null');
  });

  it('stays as it was when it names a process that is none of its own', () => {
    const driven = quiet();
    const refusal = 'no descendant';
    expect(driven.at(100).input({ kind: 'followed', pid: 77, refusal })).toEqual([
      '100 web follow-refused pid=77 reason=no descendant',
    ]);
    expect(driven.guardian.services[0]?.pid).toBe(42);
  });
});

describe('a service that ends by itself', () => {
  it('is started again when it failed, once nothing of it is left', () => {
    const driven = quiet();
    expect(driven.at(100).input(exited(null, 'SIGSEGV'))).toEqual([
      '100 web exited pid=42 code=null signal=SIGSEGV',
      '100 web stop!',
    ]);
    expect(driven.at(150).input(GONE)).toEqual(['150 web restarting inMs=0 restart=1']);
  });

  it('is left alone when it ended well, unless it is always wanted', () => {
    const left = quiet();
    left.at(100).input(exited(0));
    expect(left.at(110).input(GONE)).toEqual(['110 web ended reason=exit 0', '110 done']);
    const wanted = quiet({ onExit: 'always' });
    wanted.at(100).input(exited(0));
    expect(wanted.at(110).input(GONE)).toEqual(['110 web restarting inMs=0 restart=1']);
  });

  it('is held back more and more, and given up loudly', () => {
    const driven = drive([service()]);
    driven.at(0).begin();
    expect(crashes(driven, 60_000)).toEqual([0, 1000, 3000]);
    expect(driven.guardian.services[0]?.hasGivenUp).toBe(true);
  });

  it('is held back though it lived on just beyond its start each time', () => {
    const driven = drive([service({ restarts: { most: 3, withinMs: 600_000 } })]);
    driven.at(0).begin();
    expect(crashes(driven, 600_000, 10_001)).toEqual([10_001, 21_002, 33_003]);
  });

  it('is no loop when it cannot even be started', () => {
    const driven = drive([service({ onGiveUp: 'wait' })]);
    driven.at(0).begin();
    const failed = { kind: 'start-failed', code: 'ENOENT', reason: 'web: no such file' } as const;
    const seen = [0, 1, 1002, 3003].flatMap((ms) => driven.at(ms).input(failed));
    expect(seen.filter((line) => /restarting|gave-up/.test(line))).toEqual([
      '0 web restarting inMs=0 restart=1',
      '1 web restarting inMs=1000 restart=2',
      '1002 web restarting inMs=2000 restart=3',
      '3003 web gave-up restarts=3 then=wait',
    ]);
    expect(driven.at(600_000).passes()).toEqual([]);
  });

  it('has no other one beside it while something of it cannot be ended', () => {
    const driven = quiet();
    driven.at(100).input(exited(1));
    const stuck = { ...STOPPED, by: 'KILL', survivors: [{ pid: 43, name: 'nfs' }] } as const;
    expect(driven.at(200).input(stuck)).toEqual([
      '200 web stopped by=KILL tookMs=12',
      '200 web survivors processes={"pid":43,"name":"nfs"}',
      '200 web restarting inMs=0 restart=1',
    ]);
    expect(driven.at(200).passes()).toEqual(['200 web stop!']);
    driven.at(300).input(STOPPED);
    expect(driven.at(1300).passes()).toEqual(['1300 web start!']);
  });
});

describe('a service that is only watched', () => {
  const watched = {
    command: undefined,
    checks: [check()],
    restarts: { most: 2, withinMs: 60_000 },
  };

  it('has its restart addresses called, and its time to start again', () => {
    const driven = drive([service(watched)]);
    driven.at(0).begin();
    driven.at(10).hears(CHECK);
    expect(driven.at(3010).passes().slice(-2)).toEqual([
      '3010 web restarting inMs=0 restart=1',
      '3010 web act!',
    ]);
    expect(driven.at(3500).input({ kind: 'acted', failure: undefined })).toEqual([]);
    expect(driven.at(13_499).hears(CHECK)).toEqual(['13499 web alive afterMs=9999 watched=true']);
  });

  it('has them called again when that failed, and is given up in the end', () => {
    const driven = drive([service({ ...watched, onGiveUp: 'wait' })]);
    driven.at(0).begin();
    driven.at(10).hears(CHECK);
    driven.at(3010).passes();
    expect(driven.at(3020).input({ kind: 'acted', failure: '503' })).toEqual([
      '3020 web call-failed reason=503',
      '3020 web restarting inMs=1000 restart=2',
    ]);
    expect(driven.at(4020).passes()).toEqual(['4020 web act!']);
    expect(driven.at(4030).input({ kind: 'acted', failure: '503' }).at(-1)).toBe(
      '4030 web gave-up restarts=2 then=wait',
    );
  });
});

describe('a service of which is only told', () => {
  it.each([
    ['it says so', { onDead: 'report' }, false],
    ['nothing is to be done', {}, true],
  ] as const)('is told dead and alive again when %s', (_why, config, dryRun) => {
    const driven = alive(config, dryRun);
    expect(driven.at(4000).passes()).toEqual([
      `4000 web dead by=${CHECK} silentMs=3000 starting=false reason=null action=none`,
    ]);
    expect(driven.at(60_000).passes()).toEqual([]);
    expect(driven.at(61_000).hears(CHECK)).toEqual(['61000 web alive afterMs=57000 watched=true']);
    expect(driven.at(64_000).passes()[0]).toContain('dead');
    driven.at(65_000).input(exited(1));
    expect(driven.at(65_001).input(GONE)).toEqual([
      '65001 web ended reason=nothing is done about it',
      '65001 done',
    ]);
  });
});

function started(config: Parameters<typeof service>[0] = {}, dryRun = false): Driven {
  const driven = drive([service({ checks: [check()], ...config })], { dryRun });
  driven.at(0).begin();
  driven.at(0).input(STARTED);
  return driven;
}

/** Since 1,000. */
function alive(config: Parameters<typeof service>[0] = {}, dryRun = false): Driven {
  const driven = started(config, dryRun);
  driven.at(1000).hears(CHECK);
  return driven;
}

/** Nothing is asked of it. */
function quiet(config: Parameters<typeof service>[0] = {}): Driven {
  const driven = drive([service(config)]);
  driven.at(0).begin();
  driven.at(0).input(STARTED);
  return driven;
}

/** When it was started again, each run as long as that. */
function crashes(driven: Driven, untilMs: number, livesMs = 0): readonly number[] {
  const starts: number[] = [];
  let ms = 0;
  driven.at(0).input(STARTED);
  for (;;) {
    ms += livesMs;
    driven.at(ms).input(exited(1));
    driven.at(ms).input(GONE);
    const due = driven.guardian.nextDeadline();
    if (due === undefined || due > untilMs) return starts;
    driven.at(due).passes();
    ms = due;
    starts.push(ms);
    driven.at(ms).input(STARTED);
  }
}
