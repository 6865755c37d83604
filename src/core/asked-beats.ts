/**
 * Silence after questions that somebody else asks, and whose answers somebody else hears: beats on a
 * connection each, and those of the kernel. A detector (detector.ts), but that it is told of the beats.
 *
 * Silent is who was last heard T ago and was asked in time: a question that was late, because nobody
 * could ask, leaves T − h for its answer, at least T / 2.
 */
import type { Action } from './detector.js';
import type { HeartbeatSettings } from './mode.js';
import { addMs, instantAt, msBetween, type Instant } from './time.js';

type Input = 'asked' | 'heard' | 'tick';

export class AskedBeats {
  readonly #settings: HeartbeatSettings;
  #heardAt: Instant;
  /** Of the questions that nothing was heard after, the first. */
  #firstUnansweredAt: Instant | undefined;
  /** From when its answer is waited for: later than that only after a stall of our own. */
  #countsFrom: Instant;

  /** @param now when it was first heard: connected */
  constructor(settings: HeartbeatSettings, now: Instant) {
    this.#settings = settings;
    this.#heardAt = this.#countsFrom = now;
  }

  get heardAt(): Instant {
    return this.#heardAt;
  }

  get firstUnansweredAt(): Instant | undefined {
    return this.#firstUnansweredAt;
  }

  /** When `step` must be called with a `tick`; undefined: never. May change after every `step`. */
  nextDeadline(): Instant | undefined {
    if (this.#firstUnansweredAt === undefined) return undefined;
    const { intervalMs, timeoutMs } = this.#settings;
    const answerMs = Math.max(timeoutMs - intervalMs, timeoutMs / 2);
    return instantAt(Math.max(addMs(this.#heardAt, timeoutMs), addMs(this.#countsFrom, answerMs)));
  }

  /** @param now of `heard`: when that was, though it is told later */
  step(input: Input, now: Instant): readonly Action[] {
    switch (input) {
      case 'asked':
        if (this.#firstUnansweredAt === undefined) {
          this.#firstUnansweredAt = this.#countsFrom = now;
        }
        return [];
      case 'heard':
        this.#heardAt = instantAt(Math.max(this.#heardAt, now));
        this.#firstUnansweredAt = undefined;
        return [];
      case 'tick':
        return this.#judge(now);
    }
  }

  #judge(now: Instant): readonly Action[] {
    const due = this.nextDeadline();
    if (due === undefined || now < due) return [];
    const stalled = msBetween(due, now) > this.#settings.intervalMs / 2;
    if (stalled && this.#countsFrom === this.#firstUnansweredAt) {
      this.#countsFrom = now; // at most once in one silence
      return [];
    }
    return [{ kind: 'give-up', by: 'heartbeat', silentMs: msBetween(this.#heardAt, now) }];
  }
}
