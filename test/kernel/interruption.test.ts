import { getEventListeners } from 'node:events';
import { describe, expect, it } from 'vitest';
import { addMs } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { orInterrupted, pause } from '../../src/kernel/interruption.js';
import { newTurn, SOON_MS, TEST_MS, TIMER_EARLY_MS } from '../real-kernel.js';
import { until } from '../until.js';

const never = new Promise<string>(() => undefined);

describe('orInterrupted', { timeout: TEST_MS }, () => {
  it('resolves with the work when nobody interrupts, and listens no longer', async () => {
    const { signal } = new AbortController();
    expect(await orInterrupted(Promise.resolve('done'), signal)).toBe('done');
    await until(() => listeners(signal) === 0, SOON_MS);
  });

  it('takes no notice of work that fails after an interruption that was there before it', async () => {
    let unhandled: unknown;
    const hear = (reason: unknown) => {
      unhandled = reason;
    };
    process.on('unhandledRejection', hear);
    const work = Promise.reject(new Error('too late'));
    await orInterrupted(work, AbortSignal.abort());
    await newTurn();
    process.off('unhandledRejection', hear);
    expect(unhandled).toBeUndefined();
  });

  it('rejects with the work, and listens no longer', async () => {
    const { signal } = new AbortController();
    const failure = new Error('it failed');
    await expect(orInterrupted(Promise.reject(failure), signal)).rejects.toBe(failure);
    await until(() => listeners(signal) === 0, SOON_MS);
  });

  it('resolves with nothing at the interruption, and listens no longer', async () => {
    const interruption = new AbortController();
    const waiting = orInterrupted(never, interruption.signal);
    expect(listeners(interruption.signal)).toBe(1);
    interruption.abort();
    expect(await waiting).toBeUndefined();
    expect(listeners(interruption.signal)).toBe(0);
  });

  it('does not wait at all after the interruption, and never listens', async () => {
    const signal = AbortSignal.abort();
    expect(await orInterrupted(never, signal)).toBeUndefined();
    expect(await orInterrupted(Promise.resolve('done'), signal)).toBeUndefined();
    expect(listeners(signal)).toBe(0);
  });

  it('lets work that was given up fail later without a word', async () => {
    const interruption = new AbortController();
    let fail: (error: Error) => void = () => undefined;
    const work = new Promise<string>((_, reject) => (fail = reject));
    const waiting = orInterrupted(work, interruption.signal);
    interruption.abort();
    expect(await waiting).toBeUndefined();
    fail(new Error('too late')); // unhandled, it would fail the run
    await expect(work).rejects.toThrow('too late');
  });
});

describe('pause', { timeout: TEST_MS }, () => {
  it('lasts as long as it says', async () => {
    const { signal } = new AbortController();
    await newTurn();
    const startedAt = monotonicNow();
    await pause(100, signal);
    expect(monotonicNow()).toBeGreaterThanOrEqual(addMs(startedAt, 100 - TIMER_EARLY_MS));
    await until(() => listeners(signal) === 0, SOON_MS);
  });

  it('ends with the interruption, and leaves no timer behind', async () => {
    const interruption = new AbortController();
    const timersBefore = timers();
    const pausing = pause(A_WEEK_MS, interruption.signal);
    expect(timers()).toBe(timersBefore + 1);
    interruption.abort();
    await pausing;
    expect(timers()).toBe(timersBefore);
  });

  it('does not begin after the interruption', async () => {
    const timersBefore = timers();
    await pause(A_WEEK_MS, AbortSignal.abort());
    expect(timers()).toBe(timersBefore);
  });
});

const A_WEEK_MS = 7 * 24 * 3_600_000;

function listeners(signal: AbortSignal): number {
  return getEventListeners(signal, 'abort').length;
}

/** That keep this process alive. */
function timers(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
}
