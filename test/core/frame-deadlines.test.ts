import { describe, expect, it } from 'vitest';
import { detectorFor } from '../../src/core/detector.js';
import type { FrameTimeouts } from '../../src/core/frame-deadlines.js';
import { parseMode } from '../../src/core/mode.js';
import { instantAt } from '../../src/core/time.js';

const opened = instantAt(1_000_000);
const after = (ms: number) => instantAt(opened + ms);

/** As the driver tells it. */
function open(timeouts: FrameTimeouts, mode = 'none') {
  const detector = detectorFor(parseMode(mode), 'answers', opened, undefined, timeouts);
  return {
    nextDeadline: () => detector.nextDeadline(),
    tick: (ms: number) => detector.step('tick', after(ms)),
    /** Bytes of which `completed` frames were made, and perhaps the beginning of one more. */
    receives(ms: number, completed: number, isMidFrame: boolean) {
      detector.decoded?.(completed, isMidFrame, after(ms));
      expect(detector.step('received', after(ms))).toEqual([]);
    },
  };
}

describe('the deadline of the first frame, 10 s', () => {
  const firstFrameMs = 10_000;
  const by = 'first-frame-timeout';

  it('is judged at it and after it, and not one millisecond before', () => {
    const end = open({ firstFrameMs });
    expect(end.nextDeadline()).toBe(after(10_000));
    expect(end.tick(9999)).toEqual([]);
    expect(end.tick(10_000)).toEqual([{ kind: 'give-up', by, silentMs: 10_000 }]);
    expect(open({ firstFrameMs }).tick(10_001)).toEqual([
      { kind: 'give-up', by, silentMs: 10_001 },
    ]);
  });

  it('is not put off by bytes, whether a frame has begun or they are garbage', () => {
    const end = open({ firstFrameMs });
    for (let ms = 1; ms < 10_000; ms += 100) end.receives(ms, 0, ms > 5000);
    expect(end.nextDeadline()).toBe(after(10_000));
    expect(end.tick(10_000)).toEqual([{ kind: 'give-up', by, silentMs: 99 }]);
  });

  it.each([9999, 10_000])('is kept by a frame that is complete after %i ms', (ms) => {
    const end = open({ firstFrameMs });
    end.receives(ms, 1, false);
    expect(end.tick(ms)).toEqual([]);
    expect(end.nextDeadline()).toBeUndefined();
    expect(end.tick(1e9)).toEqual([]);
  });

  it('is over once it was given up', () => {
    const end = open({ firstFrameMs });
    end.tick(10_000);
    expect(end.nextDeadline()).toBeUndefined();
    expect(end.tick(20_000)).toEqual([]);
  });
});

describe('the deadline of a frame that has begun, 5 s', () => {
  const frameMs = 5000;
  const by = 'frame-timeout';

  it('is none while no frame has begun', () => {
    const end = open({ frameMs });
    expect(end.nextDeadline()).toBeUndefined();
    end.receives(1000, 1, false);
    end.receives(2000, 0, false);
    expect(end.nextDeadline()).toBeUndefined();
    expect(end.tick(1e9)).toEqual([]);
  });

  it('counts from its first byte: at it and after it, and not one millisecond before', () => {
    const begun = () => {
      const end = open({ frameMs });
      end.receives(2000, 0, true);
      return end;
    };
    expect(begun().nextDeadline()).toBe(after(7000));
    expect(begun().tick(6999)).toEqual([]);
    expect(begun().tick(7000)).toEqual([{ kind: 'give-up', by, silentMs: 5000 }]);
    expect(begun().tick(7001)).toEqual([{ kind: 'give-up', by, silentMs: 5001 }]);
  });

  it('is not put off by its further bytes', () => {
    const end = open({ frameMs });
    for (let ms = 2000; ms < 7000; ms += 10) end.receives(ms, 0, true);
    expect(end.nextDeadline()).toBe(after(7000));
    expect(end.tick(7000)).toEqual([{ kind: 'give-up', by, silentMs: 10 }]);
  });

  it('is kept by its last byte, at the last moment', () => {
    const end = open({ frameMs });
    end.receives(2000, 0, true);
    end.receives(7000, 1, false);
    expect(end.tick(7000)).toEqual([]);
    expect(end.nextDeadline()).toBeUndefined();
  });

  it('counts anew where the last byte of one comes with the first of the next', () => {
    const end = open({ frameMs });
    end.receives(2000, 0, true);
    end.receives(6000, 3, true);
    expect(end.nextDeadline()).toBe(after(11_000));
    expect(end.tick(10_999)).toEqual([]);
    expect(end.tick(11_000)).toEqual([{ kind: 'give-up', by, silentMs: 5000 }]);
  });

  it('is dropped where it was garbage that looked like a frame', () => {
    const end = open({ frameMs });
    end.receives(2000, 0, true);
    end.receives(3000, 0, false);
    expect(end.nextDeadline()).toBeUndefined();
    end.receives(6000, 0, true);
    expect(end.nextDeadline()).toBe(after(11_000));
  });
});

describe('deadlines of frames together with others', () => {
  const timeouts = { firstFrameMs: 10_000, frameMs: 5000 };

  it('are decided by the one that comes first', () => {
    const early = open(timeouts);
    early.receives(4000, 0, true);
    expect(early.tick(9000)).toMatchObject([{ by: 'frame-timeout' }]);
    const late = open(timeouts);
    late.receives(6000, 0, true);
    expect(late.tick(10_000)).toMatchObject([{ by: 'first-frame-timeout' }]);
  });

  it('leave a silence to the mode, which leaves them their frames', () => {
    const silent = open(timeouts, 'idle-timeout=3s');
    expect(silent.tick(3000)).toMatchObject([{ by: 'idle-timeout' }]);
    const slow = open(timeouts, 'heartbeat=1s:3s');
    for (let ms = 1000; ms <= 6000; ms += 1000) slow.receives(ms, 0, true);
    expect(slow.tick(6000)).toMatchObject([{ by: 'frame-timeout', silentMs: 0 }]);
  });
});
