/**
 * The one timer of a process: it wakes for the first deadline of all connections, and tells each owner
 * whose deadline has come. Knows neither sockets nor why there is a deadline.
 *
 * Judgement comes after one poll phase: when the timer is late because the loop was busy, what has
 * arrived meanwhile is read first, which moves its owner's deadline back, before anybody is told. It
 * comes in slices, each after a poll phase of its own: thousands of verdicts at once do not block
 * the loop.
 */
import { DeadlineWheel, type Deadline } from '../core/deadline-wheel.js';
import type { Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';

/** An interface and no callback: a closure for each of 100,000 connections would be 6 MB. */
export interface DeadlineOwner {
  /** Called once the deadline is reached; there is none any more then. */
  deadlineCame(): void;
}

/** A reset takes up to 50 µs, a look some 50 ns: a slice blocks the loop for 10 ms at most. */
const LOOKS_AT_ONCE = 200;

class Deadlines {
  readonly #wheel = new DeadlineWheel<DeadlineOwner>(monotonicNow());
  #timer: NodeJS.Timeout | undefined;
  /** For which moment the timer was set, or the next slice waits. */
  #wakesAt = Infinity;

  enter(owner: DeadlineOwner): Deadline<DeadlineOwner> {
    return this.#wheel.enter(owner);
  }

  /** Arms or moves; undefined: there is none any more. */
  move(deadline: Deadline<DeadlineOwner>, due: Instant | undefined): void {
    if (this.#wheel.move(deadline, due)) this.#arm();
  }

  /**
   * To be called once the owner is gone, or needs none until it moves it again: unlike one that was moved to
   * never, it holds nothing. A process without deadlines is not kept running.
   */
  leave(deadline: Deadline<DeadlineOwner>): void {
    this.#wheel.leave(deadline);
    if (this.#wheel.nextLook() === undefined) this.#wakeAt(Infinity);
  }

  #arm(): void {
    const next = this.#wheel.nextLook() ?? Infinity;
    if (next >= this.#wakesAt) return;
    this.#wakeAt(next);
    const waitMs = Math.max(0, Math.ceil(next - monotonicNow()));
    this.#timer = setTimeout(() => setImmediate(() => this.#judge()), waitMs);
  }

  #judge(): void {
    this.#wakeAt(Infinity);
    const now = monotonicNow();
    this.#wheel.expire(now, LOOKS_AT_ONCE, (owner) => owner.deadlineCame());
    const next = this.#wheel.nextLook() ?? Infinity;
    if (next > now) this.#arm();
    else {
      this.#wakeAt(next);
      setImmediate(() => this.#judge());
    }
  }

  #wakeAt(at: number): void {
    clearTimeout(this.#timer);
    this.#wakesAt = at;
  }
}

/** Every connection of this process. */
export const deadlines = new Deadlines();
