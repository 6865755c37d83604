/**
 * What waits for peers that do not read: how much it is in all, and who has not read for longest. Reading is
 * progress in what the peer's kernel took, not an empty queue: whoever reads slowly reads.
 */
import { Place, Recency } from './recency.js';
import { addMs, type Instant } from './time.js';

export interface BacklogLimits {
  /** Of all together; undefined: as much as there is memory. */
  readonly maxUnsentBytes?: number | undefined;
  /** Who has not read for that long is to go; undefined: nobody. */
  readonly stallTimeoutMs?: number | undefined;
}

export class Backlog<Holder> {
  readonly #maxUnsentBytes: number;
  readonly #stallTimeoutMs: number | undefined;
  readonly #byProgress = new Recency<Waiting<Holder>>();
  #bytes = 0;

  constructor({ maxUnsentBytes = Infinity, stallTimeoutMs }: BacklogLimits) {
    this.#maxUnsentBytes = maxUnsentBytes;
    this.#stallTimeoutMs = stallTimeoutMs;
  }

  get isFull(): boolean {
    return this.#bytes > this.#maxUnsentBytes;
  }

  /** Who has not read for longest, as far as has been noted. */
  get oldest(): Waiting<Holder> | undefined {
    return this.#byProgress.oldest;
  }

  /** When the oldest has to be looked at: it may have read since. */
  nextDeadline(): Instant | undefined {
    const { oldest } = this;
    if (oldest === undefined || this.#stallTimeoutMs === undefined) return undefined;
    return addMs(oldest.since, this.#stallTimeoutMs);
  }

  /** @param takenBytes what the peer has taken of all that was ever sent */
  note(waiting: Waiting<Holder>, unsentBytes: number, takenBytes: number, now: Instant): void {
    this.#bytes += unsentBytes - waiting.unsentBytes;
    waiting.unsentBytes = unsentBytes;
    if (unsentBytes === 0) this.#byProgress.remove(waiting.place);
    else if (!waiting.place.isTaken || takenBytes > waiting.takenBytes) {
      waiting.since = now;
      this.#byProgress.touch(waiting.place);
    }
    waiting.takenBytes = takenBytes;
  }

  forget(waiting: Waiting<Holder>): void {
    this.#bytes -= waiting.unsentBytes;
    waiting.unsentBytes = 0;
    this.#byProgress.remove(waiting.place);
  }
}

/** One connection's part, for whoever holds it to keep; only a backlog may write to it. */
export class Waiting<Holder> {
  readonly place = new Place<Waiting<Holder>>(this);
  unsentBytes = 0;
  takenBytes = 0;
  /** The last progress, or when something began to wait. */
  since: Instant;

  constructor(
    readonly holder: Holder,
    now: Instant,
  ) {
    this.since = now;
  }
}
