/**
 * Detectors: values that take inputs and the time, and return actions. They own no timer, no
 * socket and no clock; whoever drives one calls `step` with a `tick` when `nextDeadline` has come.
 *
 * Every deadline is *last received byte + T*. Our own writes never count as life; any received
 * byte does, except for the deadlines of frames (frame-deadlines.ts). Keepalive and user timeout are the kernel's work and have no detector here.
 *
 * Nobody is blamed for our own stall: where a heartbeat's tick comes far too late (SIGSTOP, a blocked
 * loop, a paused machine), what has arrived was read before, and the silence is counted anew, once.
 *
 * A tick acts once `now` has reached the very sum that `nextDeadline` returned: the difference of
 * two instants can be a rounding error short of T.
 */
import { FrameDeadlines, type FrameTimeouts } from './frame-deadlines.js';
import type { HeartbeatSettings, Mode } from './mode.js';
import { addMs, earliest, msBetween, nextSlot, NO_INSTANT, type Instant } from './time.js';

type Input = 'received' | 'tick';

export type Action =
  | { readonly kind: 'beat' }
  /** Nothing has come for longer than usual: worth a word, not yet a verdict. Once a silence. */
  | { readonly kind: 'silent'; readonly silentMs: number }
  | { readonly kind: 'give-up'; readonly by: DetectorName; readonly silentMs: number };

export type DetectorName = 'heartbeat' | 'idle-timeout' | 'first-frame-timeout' | 'frame-timeout';

/** `beats`: the client's end, which also sends. `answers`: the server's, whose echo is the answer. */
export type HeartbeatRole = 'beats' | 'answers';

export interface Detector {
  /** When `step` must be called again with a `tick`; undefined: never. May change after every `step`. */
  nextDeadline(): Instant | undefined;
  step(input: Input, now: Instant): readonly Action[];
  /** What became of received bytes: frames completed, and whether another has begun. For those who heed it. */
  decoded?(completed: number, isMidFrame: boolean, now: Instant): void;
}

/**
 * The detector that `mode` asks for at one end of a connection opened at `now`.
 * @param silentAfterMs also report a silence this long; undefined: only verdicts.
 */
export function detectorFor(
  mode: Mode,
  role: HeartbeatRole,
  now: Instant,
  silentAfterMs?: number,
  frameTimeouts: FrameTimeouts = {},
): Detector {
  const detectors: Detector[] = [];
  if (silentAfterMs !== undefined) detectors.push(new SilenceNotice(silentAfterMs, now));
  if (mode.heartbeat !== undefined) detectors.push(new Heartbeat(mode.heartbeat, role, now));
  if (mode.idleTimeoutMs !== undefined) {
    detectors.push(new SilenceTimeout('idle-timeout', mode.idleTimeoutMs, now));
  }
  if (frameTimeouts.firstFrameMs !== undefined || frameTimeouts.frameMs !== undefined) {
    detectors.push(new FrameDeadlines(frameTimeouts, now));
  }
  const [only] = detectors;
  return only !== undefined && detectors.length === 1 ? only : new Combined(detectors);
}

const NOTHING: readonly Action[] = [];

/** Gives up once nothing has been received for `timeoutMs`. */
class SilenceTimeout implements Detector {
  readonly #by: DetectorName;
  readonly #timeoutMs: number;
  #lastReceived = NO_INSTANT;
  /** From when the silence counts: the last received byte, or the end of a stall of our own. */
  #countsFrom = NO_INSTANT;
  #gaveUp = false;

  constructor(by: DetectorName, timeoutMs: number, now: Instant) {
    this.#by = by;
    this.#timeoutMs = timeoutMs;
    this.#lastReceived = now;
    this.#countsFrom = now;
  }

  nextDeadline(): Instant | undefined {
    return this.#gaveUp ? undefined : addMs(this.#countsFrom, this.#timeoutMs);
  }

  /** Counts anew from now, at most once in one silence. */
  grantGrace(now: Instant): void {
    if (this.#countsFrom === this.#lastReceived) this.#countsFrom = now;
  }

  step(input: Input, now: Instant): readonly Action[] {
    if (this.#gaveUp) return NOTHING;
    if (input === 'received') {
      this.#lastReceived = now;
      this.#countsFrom = now;
      return NOTHING;
    }
    if (now < addMs(this.#countsFrom, this.#timeoutMs)) return NOTHING;
    this.#gaveUp = true;
    return [{ kind: 'give-up', by: this.#by, silentMs: msBetween(this.#lastReceived, now) }];
  }
}

/** Reports each silence of `afterMs` once, until something is received again. */
class SilenceNotice implements Detector {
  readonly #afterMs: number;
  #lastReceived = NO_INSTANT;
  #told = false;

  constructor(afterMs: number, now: Instant) {
    this.#afterMs = afterMs;
    this.#lastReceived = now;
  }

  nextDeadline(): Instant | undefined {
    return this.#told ? undefined : addMs(this.#lastReceived, this.#afterMs);
  }

  step(input: Input, now: Instant): readonly Action[] {
    if (input === 'received') {
      this.#lastReceived = now;
      this.#told = false;
      return NOTHING;
    }
    if (this.#told || now < addMs(this.#lastReceived, this.#afterMs)) return NOTHING;
    this.#told = true;
    return [{ kind: 'silent', silentMs: msBetween(this.#lastReceived, now) }];
  }
}

/** A silence timeout that also beats, on an absolute schedule so that late ticks do not drift. */
class Heartbeat implements Detector {
  readonly #intervalMs: number;
  readonly #silence: SilenceTimeout;
  #nextBeat: Instant | undefined;

  constructor(settings: HeartbeatSettings, role: HeartbeatRole, now: Instant) {
    this.#intervalMs = settings.intervalMs;
    this.#silence = new SilenceTimeout('heartbeat', settings.timeoutMs, now);
    this.#nextBeat = role === 'beats' ? now : undefined;
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#nextBeat, this.#silence.nextDeadline());
  }

  step(input: Input, now: Instant): readonly Action[] {
    if (input === 'received') return this.#silence.step(input, now);
    const due = this.nextDeadline();
    // Half an interval: no beat that was due can have been answered meanwhile.
    const stalled = due !== undefined && msBetween(due, now) > this.#intervalMs / 2;
    if (stalled) this.#silence.grantGrace(now);
    const verdict = this.#silence.step(input, now);
    if (verdict.length > 0) {
      this.#nextBeat = undefined;
      return verdict;
    }
    if (this.#nextBeat === undefined || now < this.#nextBeat) return NOTHING;
    this.#nextBeat = nextSlot(this.#nextBeat, this.#intervalMs, now);
    return [{ kind: 'beat' }];
  }
}

/** The first part to give up decides; an empty one is the mode `none`. */
class Combined implements Detector {
  readonly #parts: readonly Detector[];
  #gaveUp = false;

  constructor(parts: readonly Detector[]) {
    this.#parts = parts;
  }

  // Plain loops: a server takes every received chunk through both.
  nextDeadline(): Instant | undefined {
    if (this.#gaveUp) return undefined;
    let first: Instant | undefined;
    for (const part of this.#parts) first = earliest(first, part.nextDeadline());
    return first;
  }

  step(input: Input, now: Instant): readonly Action[] {
    if (this.#gaveUp) return NOTHING;
    let actions = NOTHING;
    for (const part of this.#parts) {
      const more = part.step(input, now);
      if (more.length > 0) actions = [...actions, ...more];
    }
    const verdict = actions.find((action) => action.kind === 'give-up');
    if (verdict === undefined) return actions;
    this.#gaveUp = true;
    return [verdict];
  }

  decoded(completed: number, isMidFrame: boolean, now: Instant): void {
    for (const part of this.#parts) part.decoded?.(completed, isMidFrame, now);
  }
}
