import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { detectorFor, type Detector } from '../../src/core/detector.js';
import { parseMode } from '../../src/core/mode.js';
import { instantAt, msBetween } from '../../src/core/time.js';

const at = instantAt;
const opened = at(1_000_000);
const after = (ms: number) => at(opened + ms);

const client = (mode: string) => detectorFor(parseMode(mode), 'beats', opened);
const server = (mode: string) => detectorFor(parseMode(mode), 'answers', opened);

describe.each([
  ['heartbeat at the client', () => client('heartbeat=1s:3s'), 'heartbeat'],
  ['heartbeat at the server', () => server('heartbeat=1s:3s'), 'heartbeat'],
  ['idle-timeout at the client', () => client('idle-timeout=3s'), 'idle-timeout'],
  ['idle-timeout at the server', () => server('idle-timeout=3s'), 'idle-timeout'],
])('%s, 3 s', (_, open, by) => {
  it('stays quiet one millisecond before its deadline', () => {
    expect(verdicts(open(), 2999)).toEqual([]);
  });

  it('gives up at its deadline', () => {
    expect(verdicts(open(), 3000)).toEqual([{ kind: 'give-up', by, silentMs: 3000 }]);
  });

  it('gives up after its deadline and says how long it really was silent', () => {
    expect(verdicts(open(), 3001)).toEqual([{ kind: 'give-up', by, silentMs: 3001 }]);
  });

  it('counts from the last received byte, at its deadline and one millisecond before', () => {
    const dead = open();
    dead.step('received', after(2999));
    expect(verdicts(dead, 5998)).toEqual([]);
    expect(verdicts(dead, 5999)).toEqual([{ kind: 'give-up', by, silentMs: 3000 }]);
  });

  it('reads before it judges: what arrives at the deadline is life', () => {
    const alive = open();
    alive.step('received', after(3000));
    expect(verdicts(alive, 3000)).toEqual([]);
  });

  it('is over once it has given up', () => {
    const dead = open();
    tickInTime(dead, 3000);
    expect(dead.nextDeadline()).toBeUndefined();
    expect(dead.step('received', after(3001))).toEqual([]);
    expect(dead.step('tick', after(9000))).toEqual([]);
    expect(dead.nextDeadline()).toBeUndefined();
  });
});

describe('a heartbeat after a stall of our own', () => {
  it.each([
    ['the client', client],
    ['the server', server],
  ])('counts anew at %s, and gives up when nothing comes then either', (_, open) => {
    const end = open('heartbeat=1s:3s');
    end.step('received', after(100));
    expect(end.step('tick', after(7000)).filter(({ kind }) => kind === 'give-up')).toEqual([]);
    tickInTime(end, 9999);
    expect(end.step('tick', after(10_000))).toEqual([
      { kind: 'give-up', by: 'heartbeat', silentMs: 9900 },
    ]);
  });

  it('stays quiet when an answer comes after it', () => {
    const end = client('heartbeat=1s:3s');
    tickInTime(end, 2000);
    expect(end.step('tick', after(8000))).toEqual([{ kind: 'beat' }]);
    end.step('received', after(8001));
    expect(verdicts(end, 11_000)).toEqual([]);
  });

  it('is granted once in one silence, however often we stall', () => {
    const end = client('heartbeat=1s:3s');
    end.step('tick', after(5000));
    end.step('tick', after(7900));
    expect(end.step('tick', after(12_000))).toEqual([
      { kind: 'give-up', by: 'heartbeat', silentMs: 12_000 },
    ]);
  });

  it('is not granted for a tick that is only a little late', () => {
    const end = server('heartbeat=1s:3s');
    expect(end.step('tick', after(3500))).toEqual([
      { kind: 'give-up', by: 'heartbeat', silentMs: 3500 },
    ]);
  });
});

describe('heartbeat', () => {
  it('beats at once and then every interval at the client', () => {
    const end = client('heartbeat=1s:3s');
    expect(end.nextDeadline()).toBe(opened);
    expect(end.step('tick', opened)).toEqual([{ kind: 'beat' }]);
    expect(end.nextDeadline()).toBe(after(1000));
    expect(end.step('tick', after(999))).toEqual([]);
    expect(end.step('tick', after(1000))).toEqual([{ kind: 'beat' }]);
    expect(end.nextDeadline()).toBe(after(2000));
  });

  it('never beats at the server', () => {
    const end = server('heartbeat=1s:3s');
    expect(end.nextDeadline()).toBe(after(3000));
    expect(end.step('tick', after(1000))).toEqual([]);
  });

  it('does not take its own beats for life', () => {
    const end = client('heartbeat=1s:3s');
    for (const ms of [0, 1000, 2000]) expect(end.step('tick', after(ms))).toHaveLength(1);
    expect(end.nextDeadline()).toBe(after(3000));
    expect(end.step('tick', after(3000))).toEqual([
      { kind: 'give-up', by: 'heartbeat', silentMs: 3000 },
    ]);
  });

  it('keeps its schedule when a tick is late, and skips the beats that it missed', () => {
    const end = client('heartbeat=1s:60s');
    end.step('tick', after(7));
    expect(end.nextDeadline()).toBe(after(1000));
    end.step('tick', after(1999));
    expect(end.nextDeadline()).toBe(after(2000));
    expect(end.step('tick', after(4500))).toEqual([{ kind: 'beat' }]);
    expect(end.nextDeadline()).toBe(after(5000));
  });

  it('does not beat because something was received', () => {
    const end = client('heartbeat=1s:3s');
    expect(end.step('received', after(500))).toEqual([]);
    expect(end.nextDeadline()).toBe(opened);
  });
});

describe('a combination', () => {
  it('is decided by the part that gives up first', () => {
    const heartbeatFirst = server('heartbeat=1s:3s+idle-timeout=5s');
    expect(heartbeatFirst.nextDeadline()).toBe(after(3000));
    expect(verdicts(heartbeatFirst, 3000)).toMatchObject([{ by: 'heartbeat' }]);
    const idleFirst = server('heartbeat=1s:5s+idle-timeout=3s');
    expect(idleFirst.nextDeadline()).toBe(after(3000));
    expect(verdicts(idleFirst, 3000)).toMatchObject([{ by: 'idle-timeout' }]);
  });

  it('gives up once, when one moment finds both parts over', () => {
    const end = client('heartbeat=1s:3s+idle-timeout=3s');
    tickInTime(end, 2999);
    expect(end.step('tick', after(3000))).toEqual([
      { kind: 'give-up', by: 'heartbeat', silentMs: 3000 },
    ]);
    expect(end.nextDeadline()).toBeUndefined();
  });

  it("leaves the kernel's parts to the kernel", () => {
    expect(client('keepalive=1s:1s:1+user-timeout=1s').nextDeadline()).toBeUndefined();
  });
});

describe('none', () => {
  it('never has a deadline and never gives up', () => {
    const end = client('none');
    expect(end.nextDeadline()).toBeUndefined();
    expect(end.step('tick', after(1e12))).toEqual([]);
    expect(end.step('received', after(1e12))).toEqual([]);
    expect(end.nextDeadline()).toBeUndefined();
  });
});

describe('a notice of silence', () => {
  const silent = (mode: string) => detectorFor(parseMode(mode), 'answers', opened, 1500);

  it('comes at its time, once a silence, and is no verdict', () => {
    const end = silent('none');
    expect(end.step('tick', after(1499))).toEqual([]);
    expect(end.nextDeadline()).toBe(after(1500));
    expect(end.step('tick', after(1500))).toEqual([{ kind: 'silent', silentMs: 1500 }]);
    expect(end.nextDeadline()).toBeUndefined();
    expect(end.step('tick', after(9000))).toEqual([]);
    end.step('received', after(9000));
    expect(end.nextDeadline()).toBe(after(10_500));
    expect(end.step('tick', after(10_500))).toEqual([{ kind: 'silent', silentMs: 1500 }]);
  });

  it('leaves the verdict and its time as they are', () => {
    const end = silent('heartbeat=1s:3s');
    end.step('tick', after(1500));
    expect(end.nextDeadline()).toBe(after(3000));
    expect(verdicts(end, 3000)).toMatchObject([{ by: 'heartbeat', silentMs: 3000 }]);
  });
});

it('always acts at the very moment it asked for, whatever fractions the clock shows', () => {
  const instant = fc.double({ min: 0, max: 1e10, noNaN: true });
  const silence = fc.double({ min: 0, max: 5000, noNaN: true });
  const mode = fc.constantFrom('heartbeat=1s:3s', 'idle-timeout=0.1s', 'heartbeat=333ms:1s');
  const role = fc.constantFrom('beats' as const, 'answers' as const);
  fc.assert(
    fc.property(mode, role, instant, silence, (text, which, openedMs, silenceMs) => {
      const end = detectorFor(parseMode(text), which, at(openedMs), 250);
      end.step('received', at(openedMs + silenceMs));
      for (let due = end.nextDeadline(); due !== undefined; due = end.nextDeadline()) {
        expect(end.step('tick', due)).not.toEqual([]);
      }
    }),
    { numRuns: 1000 },
  );
});

/** What a tick at this time after the opening brings, beats aside. */
/** As the driver does: every deadline at its time, up to that one. */
function tickInTime(detector: Detector, ms: number): void {
  for (;;) {
    const due = detector.nextDeadline();
    if (due === undefined || due > after(ms)) return;
    detector.step('tick', due);
  }
}

function verdicts(detector: Detector, ms: number): readonly unknown[] {
  const now = after(ms);
  expect(msBetween(opened, now)).toBe(ms);
  tickInTime(detector, ms - 2);
  return detector.step('tick', now).filter((action) => action.kind !== 'beat');
}
