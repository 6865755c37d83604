import { describe, expect, it } from 'vitest';
import { Watch } from '../../../src/core/guard/watch.js';
import { instantAt } from '../../../src/core/time.js';

const at = instantAt;

describe('the watch over one kind of signs', () => {
  it('notices a silence at its very end, and not a millisecond before', () => {
    const watch = heardAt(1000);
    expect(watch.nextDeadline()).toBe(4000);
    expect(watch.tick(at(3999))).toEqual({ kind: 'fine' });
    expect(watch.tick(at(4000))).toEqual({ kind: 'dead', silentMs: 3000 });
    expect(watch.nextDeadline()).toBeUndefined();
  });

  it('stays quiet while signs come', () => {
    const watch = new Watch({ timeoutMs: 3000 });
    for (let now = 0; now < 60_000; now += 2999) {
      watch.heard(at(now));
      expect(watch.tick(at(now + 2998))).toEqual({ kind: 'fine' });
    }
  });

  it('expects nothing before something has been heard, unless it was told to', () => {
    const watch = new Watch({ timeoutMs: 3000 });
    expect(watch.nextDeadline()).toBeUndefined();
    watch.expect(10_000, at(500));
    expect(watch.isAwaited).toBe(true);
    expect(watch.tick(at(10_499))).toEqual({ kind: 'fine' });
    expect(watch.tick(at(10_500))).toEqual({ kind: 'dead', silentMs: 10_000 });
  });

  it('gives the first sign the time of the start, and the others theirs', () => {
    const watch = new Watch({ timeoutMs: 3000 });
    watch.expect(10_000, at(0));
    watch.heard(at(9000));
    expect(watch.isAwaited).toBe(false);
    expect(watch.nextDeadline()).toBe(12_000);
  });

  it('counts anew where we look too late ourselves, and only once', () => {
    const watch = new Watch({ timeoutMs: 3000, intervalMs: 1000 });
    watch.heard(at(0));
    expect(watch.tick(at(15_000))).toEqual({ kind: 'late', lateMs: 12_000 });
    expect(watch.nextDeadline()).toBe(18_000);
    expect(watch.tick(at(18_000))).toEqual({ kind: 'dead', silentMs: 18_000 });
  });

  it('grants a grace once in a silence', () => {
    const watch = heardAt(0);
    expect(watch.grantGrace(at(1499))).toBe(false); // it is not silent
    expect(watch.grantGrace(at(2000))).toBe(true);
    expect(watch.grantGrace(at(4000))).toBe(false);
    expect(watch.tick(at(5000))).toEqual({ kind: 'dead', silentMs: 5000 });
    watch.heard(at(6000));
    expect(watch.grantGrace(at(8000))).toBe(true);
  });

  it('keeps to what the service says of its silences', () => {
    const watch = heardAt(0);
    watch.agree(500, at(100));
    expect(watch.nextDeadline()).toBe(600);
    watch.heard(at(600));
    expect(watch.nextDeadline()).toBe(1100);
  });

  it('does not begin to count because of what the service says of its silences', () => {
    const watch = new Watch({ timeoutMs: 3000 });
    watch.agree(500, at(0));
    expect(watch.nextDeadline()).toBeUndefined();
    watch.expect(10_000, at(0));
    watch.agree(400, at(10));
    expect(watch.nextDeadline()).toBe(10_000);
  });

  it('is hurried and given more time in one direction each', () => {
    const watch = heardAt(0);
    watch.hasten(5000, at(0));
    expect(watch.nextDeadline()).toBe(3000);
    watch.hasten(1000, at(100));
    expect(watch.nextDeadline()).toBe(1100);
    watch.extend(500, at(100));
    expect(watch.nextDeadline()).toBe(1100);
    watch.extend(9000, at(100));
    expect(watch.nextDeadline()).toBe(9100);
    watch.heard(at(200));
    expect(watch.nextDeadline()).toBe(3200);
  });
});

function heardAt(ms: number): Watch {
  const watch = new Watch({ timeoutMs: 3000 });
  watch.heard(at(ms));
  return watch;
}
