/**
 * One kind of a service's signs of life, and how long it may stay away: the detector of connections
 * (detector.ts), whose received byte is a sign of life here. It must not know where signs come from.
 *
 * While a service starts, its first sign has the start-up's time. Nobody is judged for our own fault: where we
 * look far too late the detector counts anew, and `grantGrace` lets it do so for any other reason, once a silence.
 */
import { detectorFor, type Detector } from '../detector.js';
import { addMs, msBetween, type Instant } from '../time.js';

export interface WatchOptions {
  readonly timeoutMs: number;
  /** At which pace signs are to come; undefined: a third of the timeout. */
  readonly intervalMs?: number | undefined;
}

export interface Silence {
  /** The last sign. */
  readonly since: Instant;
  readonly intervalMs: number;
  /** The next look at it is the verdict, and not so late that it is none. */
  readonly isDue: boolean;
}

export type WatchVerdict =
  | { readonly kind: 'fine' }
  /** We looked so late that the silence is counted anew. */
  | { readonly kind: 'late'; readonly lateMs: number }
  | { readonly kind: 'dead'; readonly silentMs: number };

const FINE: WatchVerdict = { kind: 'fine' };

export class Watch {
  #timeoutMs: number;
  readonly #intervalMs: number | undefined;
  #detector: Detector | undefined;
  /** What the detector waits for: a start-up's time and a shortened one are not the usual. */
  #countedMs = 0;
  #expectedFrom: Instant | undefined;
  #lastSign: Instant | undefined;
  #graced = false;

  constructor({ timeoutMs, intervalMs }: WatchOptions) {
    this.#timeoutMs = timeoutMs;
    this.#intervalMs = intervalMs;
  }

  /** The first sign is expected, and has not come yet. */
  get isAwaited(): boolean {
    return this.#detector !== undefined && this.#lastSign === undefined;
  }

  /** Undefined: none since the service started. */
  get lastSign(): Instant | undefined {
    return this.#lastSign;
  }

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  get intervalMs(): number {
    return this.#intervalMs ?? this.#timeoutMs / 3;
  }

  /** The first sign is due within that time. */
  expect(withinMs: number, now: Instant): void {
    this.#lastSign = undefined;
    this.#expectedFrom = now;
    this.#graced = false;
    this.#count(withinMs, now);
  }

  /** Nothing is expected, until the next sign comes. */
  rest(): void {
    this.#lastSign = undefined;
    this.#expectedFrom = undefined;
    this.#stop();
  }

  heard(now: Instant): void {
    this.#lastSign = now;
    this.#graced = false;
    if (this.#countedMs === this.#timeoutMs) this.#detector?.step('received', now);
    else this.#count(this.#timeoutMs, now);
  }

  /** How long silences may last from now on. */
  agree(timeoutMs: number, now: Instant): void {
    this.#timeoutMs = timeoutMs;
    if (this.#lastSign !== undefined && this.#detector !== undefined) this.#count(timeoutMs, now);
  }

  /** A first sign, or the next one, may take that long from now on, if that is later than it was. */
  extend(ms: number, now: Instant): void {
    const due = this.nextDeadline();
    if (due !== undefined && due < addMs(now, ms)) this.#count(ms, now);
  }

  /** The next sign must come within that time, if that is sooner than it was. */
  hasten(ms: number, now: Instant): void {
    const due = this.nextDeadline();
    if (due !== undefined && due > addMs(now, ms)) this.#count(ms, now);
  }

  /** What has been heard before, and not for half of its time; undefined: all is well. */
  silence(now: Instant): Silence | undefined {
    const due = this.nextDeadline();
    if (due === undefined || this.#lastSign === undefined) return undefined;
    if (msBetween(this.#lastSign, now) < this.#timeoutMs / 2) return undefined;
    const lateMs = msBetween(due, now);
    const isDue = lateMs >= 0 && lateMs <= this.#paceMs / 2;
    return { since: this.#lastSign, intervalMs: this.intervalMs, isDue };
  }

  /** A silence is counted anew from now; false: there is none, or it was done in this one already. */
  grantGrace(now: Instant): boolean {
    if (this.#graced || this.silence(now) === undefined) return false;
    this.#graced = true;
    this.#count(this.#timeoutMs, now);
    return true;
  }

  nextDeadline(): Instant | undefined {
    return this.#detector?.nextDeadline();
  }

  tick(now: Instant): WatchVerdict {
    const due = this.nextDeadline();
    if (this.#detector === undefined || due === undefined || now < due) return FINE;
    const [verdict] = this.#detector.step('tick', now);
    if (verdict?.kind === 'give-up') {
      this.#stop();
      return {
        kind: 'dead',
        silentMs: msBetween(this.#lastSign ?? this.#expectedFrom ?? now, now),
      };
    }
    this.#graced = true;
    return { kind: 'late', lateMs: msBetween(due, now) };
  }

  #stop(): void {
    this.#detector = undefined;
    this.#countedMs = 0;
  }

  #count(timeoutMs: number, now: Instant): void {
    this.#countedMs = timeoutMs;
    const heartbeat = { intervalMs: this.#paceMs, timeoutMs };
    this.#detector = detectorFor({ heartbeat }, 'answers', now);
  }

  /** Where we look later than by half of it, the detector counts anew. */
  get #paceMs(): number {
    return Math.min(this.intervalMs, this.#countedMs / 3);
  }
}
