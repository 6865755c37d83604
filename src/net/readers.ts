/**
 * Sees to it that peers read: who does not for too long is reset, and so is who has not for longest when too
 * much waits for all of them together. One deadline for all connections of a server.
 */
import { Backlog, Waiting, type BacklogLimits } from '../core/backlog.js';
import type { Deadline } from '../core/deadline-wheel.js';
import { msBetween } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Connection } from './connection.js';
import { deadlines, type DeadlineOwner } from './deadlines.js';

/** What is looked after: it keeps its own part of the backlog. */
export interface Reader {
  readonly connection: Connection;
  /** Undefined: nothing has ever waited for it. */
  waiting: Waiting<Reader> | undefined;
}

/** So many may prove that they have read since, before the oldest of the others goes whether it reads or not. */
const MOST_LOOKS = 8;

export class Readers implements DeadlineOwner {
  readonly #kernel: Kernel;
  readonly #backlog: Backlog<Reader>;
  readonly #deadline: Deadline<DeadlineOwner> = deadlines.enter(this);

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
    if (this.#backlog.oldest === undefined) deadlines.leave(this.#deadline);
  }

  deadlineCame(): void {
    const now = monotonicNow();
    for (;;) {
      const { oldest } = this.#backlog;
      const due = this.#backlog.nextDeadline();
      if (oldest === undefined || due === undefined || now < due) break;
      if (!this.#hasRead(oldest)) this.#giveUp(oldest, '--stall-timeout');
    }
    this.#arm();
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

  #arm(): void {
    deadlines.move(this.#deadline, this.#backlog.nextDeadline());
  }
}
