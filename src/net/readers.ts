/**
 * Sees to it that peers read: who does not for too long is reset, and so is who has not for longest when too
 * much waits for all of them together. One timer for all connections of a server.
 */
import { Backlog, Waiting, type BacklogLimits } from '../core/backlog.js';
import { msBetween } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Connection } from './connection.js';

/** What is looked after: it keeps its own part of the backlog. */
export interface Reader {
  readonly connection: Connection;
  /** Undefined: nothing has ever waited for it. */
  waiting: Waiting<Reader> | undefined;
}

/** So many may prove that they have read since, before the oldest of the others goes whether it reads or not. */
const MOST_LOOKS = 8;

export class Readers {
  readonly #kernel: Kernel;
  readonly #backlog: Backlog<Reader>;
  #timer: NodeJS.Timeout | undefined;

  constructor(kernel: Kernel, limits: BacklogLimits) {
    this.#kernel = kernel;
    this.#backlog = new Backlog(limits);
  }

  /** Whenever something waits for this one, or has been sent at last. */
  look(reader: Reader): void {
    if (reader.connection.ending !== undefined) return; // its goodbye has a time of its own
    this.#note(reader);
    for (let looks = 0; this.#backlog.isFull;) {
      const oldest = this.#backlog.oldest;
      if (oldest === undefined) break;
      const hasRead = this.#hasRead(oldest);
      if (oldest.unsentBytes === 0) continue; // all of it was sent since, and nobody said so
      if (!hasRead || ++looks > MOST_LOOKS) this.#giveUp(oldest, '--max-unsent');
    }
    this.#arm();
  }

  /** It has ended. */
  forget({ waiting }: Reader): void {
    if (waiting === undefined) return;
    this.#backlog.forget(waiting);
    if (this.#backlog.oldest !== undefined) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #note(reader: Reader): void {
    const { connection } = reader;
    const now = monotonicNow();
    reader.waiting ??= new Waiting<Reader>(reader, now);
    this.#backlog.note(reader.waiting, connection.unsentBytes, this.#taken(connection), now);
  }

  /** What the peer's kernel has acknowledged, where that can be had: Node tells only of whole writes. */
  #taken(connection: Connection): number {
    const { descriptor } = connection;
    const info = descriptor === undefined ? undefined : this.#kernel.tcpInfo(descriptor);
    return info?.bytesAcked ?? connection.sentBytes;
  }

  /** Since it was noted: then it is the oldest no more. */
  #hasRead(waiting: Waiting<Reader>): boolean {
    const { since } = waiting;
    this.#note(waiting.holder);
    return waiting.unsentBytes === 0 || waiting.since !== since;
  }

  #giveUp({ holder, unsentBytes, since }: Waiting<Reader>, why: string): void {
    const stalledMs = Math.round(msBetween(since, monotonicNow()));
    const detail = `${unsentBytes} bytes waited for it, nothing read for ${stalledMs} ms (${why})`;
    holder.connection.reset('stalled', detail);
    this.forget(holder);
  }

  /** A deadline that moved back leaves the running timer alone: it finds out when it fires. */
  #arm(): void {
    const due = this.#backlog.nextDeadline();
    if (due === undefined || this.#timer !== undefined) return;
    const waitMs = Math.max(0, Math.ceil(msBetween(monotonicNow(), due)));
    // After one poll phase: where our own loop was late, what has been read meanwhile is known by then.
    this.#timer = setTimeout(() => setImmediate(() => this.#fired()), waitMs);
  }

  #fired(): void {
    this.#timer = undefined;
    const now = monotonicNow();
    for (;;) {
      const { oldest } = this.#backlog;
      const due = this.#backlog.nextDeadline();
      if (oldest === undefined || due === undefined || now < due) break;
      if (!this.#hasRead(oldest)) this.#giveUp(oldest, '--stall-timeout');
    }
    this.#arm();
  }
}
