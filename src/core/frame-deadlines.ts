/**
 * Deadlines that single bytes do not put off: of the first complete frame, from when the connection was
 * opened, and of a frame that has begun, from its first byte. Against whoever holds a connection with a
 * byte now and then, which for every other detector is life.
 */
import type { Action, Detector, DetectorName } from './detector.js';
import { addMs, earliest, msBetween, NO_INSTANT, type Instant } from './time.js';

/** Undefined: as long as one likes. */
export interface FrameTimeouts {
  readonly firstFrameMs?: number | undefined;
  readonly frameMs?: number | undefined;
}

export class FrameDeadlines implements Detector {
  readonly #frameMs: number | undefined;
  #lastReceived = NO_INSTANT;
  #firstFrameDue: Instant | undefined;
  #frameDue: Instant | undefined;

  constructor({ firstFrameMs, frameMs }: FrameTimeouts, now: Instant) {
    this.#frameMs = frameMs;
    this.#lastReceived = now;
    this.#firstFrameDue = firstFrameMs === undefined ? undefined : addMs(now, firstFrameMs);
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#firstFrameDue, this.#frameDue);
  }

  /** What looked like a frame and was none is forgotten, unless another has begun within it. */
  decoded(completed: number, isMidFrame: boolean, now: Instant): void {
    if (completed > 0) this.#firstFrameDue = undefined;
    if (completed > 0 || !isMidFrame) this.#frameDue = undefined;
    if (isMidFrame && this.#frameMs !== undefined) this.#frameDue ??= addMs(now, this.#frameMs);
  }

  step(input: 'received' | 'tick', now: Instant): readonly Action[] {
    if (input === 'received') {
      this.#lastReceived = now;
      return [];
    }
    const due = this.nextDeadline();
    if (due === undefined || now < due) return [];
    const by: DetectorName = due === this.#firstFrameDue ? 'first-frame-timeout' : 'frame-timeout';
    this.#firstFrameDue = undefined;
    this.#frameDue = undefined;
    return [{ kind: 'give-up', by, silentMs: msBetween(this.#lastReceived, now) }];
  }
}
