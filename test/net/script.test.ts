import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/core/scenario-steps.js';
import { addMs, type Instant } from '../../src/core/time.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { play, type Actor } from '../../src/net/script.js';
import { newTurn, TEST_MS, TIMER_EARLY_MS } from '../real-kernel.js';

const { signal: uninterrupted } = new AbortController();

describe('play', { timeout: TEST_MS }, () => {
  it('carries out every step, in order', async () => {
    const { actor, done } = recorder();
    const steps = [connect, send(64), serverSend(32), cut, close];
    await play(steps, actor, uninterrupted);
    expect(done).toEqual(['connect a', 'send a 64', 'serverSend a 32', 'cut a', 'close a']);
  });

  it('waits for one step before the next', async () => {
    const { actor, done } = recorder();
    const slow: Actor = {
      ...actor,
      async connect(name) {
        await new Promise((resolve) => setImmediate(resolve));
        await actor.connect(name);
      },
    };
    await play([connect, send(1)], slow, uninterrupted);
    expect(done).toEqual(['connect a', 'send a 1']);
  });

  it('fails with the step that fails, and plays no further', async () => {
    const { actor, done } = recorder();
    const failing = { ...actor, cut: () => Promise.reject(new Error('nothing can cut here')) };
    await expect(play([connect, cut, close], failing, uninterrupted)).rejects.toThrow(
      'nothing can cut here',
    );
    expect(done).toEqual(['connect a']);
  });

  it('repeats, also within a repetition', async () => {
    const { actor, done } = recorder();
    const steps = [repeat(2, [connect, repeat(3, [send(1)])]), close];
    await play(steps, actor, uninterrupted);
    const once = ['connect a', 'send a 1', 'send a 1', 'send a 1'];
    expect(done).toEqual([...once, ...once, 'close a']);
  });

  it('waits as long as it says', async () => {
    const { actor, doneAt } = recorder();
    await newTurn();
    const startedAt = monotonicNow();
    await play([{ kind: 'wait', at, waitMs: 100 }, send(1)], actor, uninterrupted);
    expect(doneAt[0]).toBeGreaterThanOrEqual(addMs(startedAt, 100 - TIMER_EARLY_MS));
  });

  it('keeps the times of every, counted from its beginning, and lasts as long as it says', async () => {
    const { actor, doneAt, done } = recorder();
    await newTurn();
    const startedAt = monotonicNow();
    await play([every(40, 100, [send(1)]), close], actor, uninterrupted);
    expect(done).toEqual(['send a 1', 'send a 1', 'send a 1', 'close a']);
    [0, 40, 80, 100].forEach((ms, index) => {
      expect(doneAt[index]).toBeGreaterThanOrEqual(addMs(startedAt, ms - TIMER_EARLY_MS));
    });
  });

  it('makes up for a step of every that takes longer than its time', async () => {
    const { actor, done } = recorder();
    const slow: Actor = {
      ...actor,
      async send(name, bytes) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        await actor.send(name, bytes);
      },
    };
    await play([every(40, 100, [send(1)]), close], slow, uninterrupted);
    expect(done).toEqual(['send a 1', 'send a 1', 'send a 1', 'close a']);
  });
});

describe('an interruption', { timeout: TEST_MS }, () => {
  it('before the beginning: nothing is played', async () => {
    const { actor, done } = recorder();
    await play([connect, repeat(3, [send(1)])], actor, AbortSignal.abort());
    expect(done).toEqual([]);
  });

  it.each<[string, (steps: readonly Step[]) => Step]>([
    ['a repetition', (steps) => repeat(1000, steps)],
    ['every', (steps) => every(1000, 1_000_000, steps)],
  ])('within %s: the step under way is the last', async (_, around) => {
    const interruption = new AbortController();
    const { actor, done } = recorder();
    const interrupting = { ...actor, cut: () => interruption.abort() };
    const startedAt = monotonicNow();
    await play([around([send(1), cut, send(2)]), close], interrupting, interruption.signal);
    expect(done).toEqual(['send a 1']);
    expect(monotonicNow()).toBeLessThan(addMs(startedAt, TEST_MS));
  });

  it('ends a wait', async () => {
    const interruption = new AbortController();
    const { actor, done } = recorder();
    const playing = play(
      [{ kind: 'wait', at, waitMs: 10 * TEST_MS }, close],
      actor,
      interruption.signal,
    );
    interruption.abort();
    await playing;
    expect(done).toEqual([]);
  });
});

/** Where a step stands in a file: of no consequence when it is played. */
const at = { line: 1, column: 1 };

const connect: Step = { kind: 'connect', at, connection: 'a' };
const cut: Step = { kind: 'cut', at, connection: 'a' };
const close: Step = { kind: 'close', at, connection: 'a' };
const send = (bytes: number): Step => ({ kind: 'send', at, connection: 'a', bytes });
const serverSend = (bytes: number): Step => ({ kind: 'serverSend', at, connection: 'a', bytes });

const repeat = (times: number, steps: readonly Step[]): Step => ({
  kind: 'repeat',
  at,
  times,
  steps,
});

const every = (everyMs: number, forMs: number, steps: readonly Step[]): Step => ({
  kind: 'every',
  at,
  everyMs,
  forMs,
  times: Math.ceil(forMs / everyMs),
  steps,
});

function recorder(): {
  readonly actor: Actor;
  readonly done: readonly string[];
  readonly doneAt: readonly Instant[];
} {
  const done: string[] = [];
  const doneAt: Instant[] = [];
  const record = (...words: readonly (string | number)[]) => {
    done.push(words.join(' '));
    doneAt.push(monotonicNow());
  };
  const actor: Actor = {
    connect: (name) => record('connect', name),
    send: (name, bytes) => record('send', name, bytes),
    serverSend: (name, bytes) => record('serverSend', name, bytes),
    cut: (name) => record('cut', name),
    close: (name) => record('close', name),
  };
  return { actor, done, doneAt };
}
