/**
 * An order by last touch, oldest first: who has been silent for longest, in O(1) and without an allocation
 * when one is touched. Whoever is in it holds a place of its own.
 */
export class Recency<Holder> {
  #oldest: Place<Holder> | undefined;
  #newest: Place<Holder> | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get oldest(): Holder | undefined {
    return this.#oldest?.holder;
  }

  /** Makes it the newest, and takes it in if it is not. */
  touch(place: Place<Holder>): void {
    if (place === this.#newest) return;
    this.remove(place);
    place.older = this.#newest;
    if (this.#newest === undefined) this.#oldest = place;
    else this.#newest.newer = place;
    this.#newest = place;
    place.isTaken = true;
    this.#size++;
  }

  /** Idempotent. */
  remove(place: Place<Holder>): void {
    if (!place.isTaken) return;
    const { older, newer } = place;
    if (older === undefined) this.#oldest = newer;
    else older.newer = newer;
    if (newer === undefined) this.#newest = older;
    else newer.older = older;
    place.older = undefined;
    place.newer = undefined;
    place.isTaken = false;
    this.#size--;
  }
}

/** In one order at a time, which alone may write to it. */
export class Place<Holder> {
  older: Place<Holder> | undefined;
  newer: Place<Holder> | undefined;
  isTaken = false;

  constructor(readonly holder: Holder) {}
}
