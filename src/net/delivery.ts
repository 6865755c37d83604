/**
 * Connections on their way to a worker. They leave one at a time, so that all but one can be dealt anew should
 * it end or hang.
 */
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { msBetween, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { ToWorker } from './worker-messages.js';

/** A healthy one takes a connection in a fraction of a millisecond, and a busy one in a turn. */
export const STUCK_MS = 1000;

export class Delivery {
  readonly #child: ChildProcess;
  readonly #waiting: Socket[] = [];
  #sent = 0;
  #taken = 0;
  #sentAt: Instant = monotonicNow();

  constructor(child: ChildProcess) {
    this.#child = child;
  }

  /** Those that have not left yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Those that the worker has not told of yet. */
  get pending(): number {
    return this.#waiting.length + this.#sent - this.#taken;
  }

  /** Of all that there ever were. */
  get sent(): number {
    return this.#sent;
  }

  push(socket: Socket): void {
    this.#waiting.push(socket);
    this.#next();
  }

  /** @param count of all that were ever sent */
  taken(count: number): void {
    this.#taken = count;
    this.#next();
  }

  /** Those that have not left are the caller's again. */
  takeBack(): readonly Socket[] {
    return this.#waiting.splice(0);
  }

  /** It does not even take what it was dealt: a process that is stopped, or hangs. */
  isStuck(now: Instant): boolean {
    return this.#sent > this.#taken && msBetween(this.#sentAt, now) > STUCK_MS;
  }

  #next(): void {
    if (this.#sent > this.#taken) return;
    const socket = this.#waiting.shift();
    if (socket === undefined) return;
    this.#sent++;
    this.#sentAt = monotonicNow();
    const message: ToWorker = { kind: 'take' };
    // What cannot be sent has lost its worker, which its end tells.
    this.#child.send(message, socket, { keepOpen: false }, () => undefined);
  }
}
