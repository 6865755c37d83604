/** Echoes of one connection that wait for their time: a queue, one timer, and a bound. */
import { addMs, msBetween, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';

/** A stranger cannot make us hold more than this for one connection. */
const PENDING_BYTES = 256 * 1024;

/** What an entry costs beside its payload, roughly: an empty frame is not free. */
const ENTRY_BYTES = 128;

interface Reply {
  readonly payload: Uint8Array;
  readonly due: Instant;
}

export class DelayedReplies {
  readonly #delayMs: number;
  readonly #send: (payload: Uint8Array) => void;
  #queue: Reply[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(delayMs: number, send: (payload: Uint8Array) => void) {
    this.#delayMs = delayMs;
    this.#send = send;
  }

  get isEmpty(): boolean {
    return this.#queue.length === 0;
  }

  /** False when the bound is reached: this payload will not be answered. */
  add(payload: Uint8Array): boolean {
    const cost = payload.length + ENTRY_BYTES;
    if (this.#bytes + cost > PENDING_BYTES) return false;
    this.#bytes += cost;
    this.#queue.push({ payload, due: addMs(monotonicNow(), this.#delayMs) });
    if (this.#timer === undefined) this.#arm();
    return true;
  }

  /** Forgets what was not sent. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#queue = [];
    this.#bytes = 0;
  }

  #arm(): void {
    const [next] = this.#queue;
    if (next === undefined) return;
    const waitMs = Math.max(0, Math.ceil(msBetween(monotonicNow(), next.due)));
    this.#timer = setTimeout(() => this.#fired(), waitMs);
  }

  #fired(): void {
    this.#timer = undefined;
    const now = monotonicNow();
    const due = this.#queue.filter((reply) => reply.due <= now);
    this.#queue = this.#queue.slice(due.length);
    for (const { payload } of due) {
      this.#bytes -= payload.length + ENTRY_BYTES;
      this.#send(payload);
    }
    this.#arm();
  }
}
