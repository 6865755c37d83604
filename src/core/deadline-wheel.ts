/**
 * All deadlines of a process on one timing wheel (Varghese and Lauck, SOSP 1987; the kernel's is
 * kernel/time/timer.c): arming, moving and expiring cost the same however many there are. Knows no
 * clock and no timer: whoever drives it calls `expire` once `nextLook` has come.
 *
 * Most deadlines never come: every received byte moves one back. That is a single store here: it
 * stays in its slot and is looked at when that slot begins. A slot is 1 ms wide near by, and on each
 * level 32 times wider; when a wide one begins, its deadlines are dealt to narrower ones. So each is
 * met less than a millisecond late, a day ahead too, and never early.
 *
 * Of 50,000 that are heard every 10 s, moving one takes 75 ns here, 140 in a binary heap (which grows with
 * their number), and 330 as a timer of Node's each, at 107 and not 230 bytes (`npm run bench:deadlines`).
 */
import { instantAt, type Instant } from './time.js';

/** One owner's place on the wheel, with at most one deadline at a time. Its fields are the wheel's. */
export class Deadline<Owner> {
  /** A number, never undefined: V8 then overwrites it in place, and a move allocates nothing. */
  due = Infinity;
  /** When its slot begins. */
  lookAt = Infinity;
  level: Level<Owner> | undefined;
  next: Deadline<Owner> | undefined;
  previous: Deadline<Owner> | undefined;

  constructor(readonly owner: Owner) {}
}

/** As many as an integer has bits: which slots of a level hold something is one number. */
const SLOTS = 32;

/** Seven levels reach 32^7 ms, a year; what is further away is looked at once before. */
const LEVELS = 7;

export class DeadlineWheel<Owner> {
  readonly #levels = Array.from({ length: LEVELS }, (_, level) => new Level<Owner>(SLOTS ** level));
  /** The millisecond up to which everything has been looked at. */
  #reached: number;

  constructor(now: Instant) {
    this.#reached = Math.floor(now);
  }

  enter(owner: Owner): Deadline<Owner> {
    return new Deadline(owner);
  }

  /**
   * Moves or arms; undefined: there is none any more.
   * @returns whether `nextLook` may be earlier now: never for one that moved back.
   */
  move(deadline: Deadline<Owner>, due: Instant | undefined): boolean {
    deadline.due = due ?? Infinity;
    if (deadline.due >= deadline.lookAt) return false;
    deadline.level?.take(deadline);
    this.#file(deadline);
    return true;
  }

  /** From now on nothing here holds its owner. */
  leave(deadline: Deadline<Owner>): void {
    deadline.due = Infinity;
    deadline.level?.take(deadline);
  }

  /** When `expire` must be called, perhaps only to look; undefined: not before the next `move`. */
  nextLook(): Instant | undefined {
    const lookAt = this.#first()?.lookAt;
    return lookAt === undefined ? undefined : instantAt(lookAt);
  }

  /**
   * Tells of each deadline that `now` has reached, in no order within a slot; it is armed no more. At
   * most `most` are looked at: what is left is found by `nextLook`.
   */
  expire(now: Instant, most: number, expired: (owner: Owner) => void): void {
    const upTo = Math.floor(now);
    for (let looked = 0; ; looked++) {
      const deadline = this.#first();
      if (deadline === undefined || deadline.lookAt > upTo) break;
      if (looked === most) return;
      this.#reached = Math.max(this.#reached, deadline.lookAt);
      deadline.level?.take(deadline);
      if (deadline.due <= now) {
        deadline.due = Infinity;
        expired(deadline.owner);
      } else if (deadline.due < Infinity) this.#file(deadline);
    }
    this.#reached = Math.max(this.#reached, upTo);
  }

  /** Of those that are to be looked at first, one. */
  #first(): Deadline<Owner> | undefined {
    let first: Deadline<Owner> | undefined;
    for (const level of this.#levels) {
      const deadline = level.first(this.#reached);
      if (deadline !== undefined && (first === undefined || deadline.lookAt < first.lookAt)) {
        first = deadline;
      }
    }
    return first;
  }

  /** On the first level that reaches so far, where its slot is still to come. */
  #file(deadline: Deadline<Owner>): void {
    const due = Math.max(Math.ceil(deadline.due), this.#reached);
    for (const level of this.#levels) {
      if (level.file(deadline, due, this.#reached)) return;
    }
    const last = this.#levels.at(-1);
    last?.file(deadline, last.furthest(this.#reached), this.#reached);
  }
}

/** 32 slots of one width, of which the one that time is in is empty, or just being emptied. */
class Level<Owner> {
  readonly #widthMs: number;
  readonly #heads: (Deadline<Owner> | undefined)[] = Array.from({ length: SLOTS }, () => undefined);
  /** A bit for each slot that holds something. */
  #occupied = 0;

  constructor(widthMs: number) {
    this.#widthMs = widthMs;
  }

  first(reached: number): Deadline<Owner> | undefined {
    if (this.#occupied === 0) return undefined;
    const current = slotOf(Math.floor(reached / this.#widthMs));
    const fromCurrent = (this.#occupied >>> current) | (this.#occupied << (SLOTS - current));
    return this.#heads[slotOf(current + trailingZeros(fromCurrent))];
  }

  /** False when it is too far away for this level. */
  file(deadline: Deadline<Owner>, due: number, reached: number): boolean {
    const number = Math.floor(due / this.#widthMs);
    if (number - Math.floor(reached / this.#widthMs) >= SLOTS) return false;
    const slot = slotOf(number);
    const next = this.#heads[slot];
    deadline.level = this;
    deadline.lookAt = number * this.#widthMs;
    deadline.next = next;
    if (next !== undefined) next.previous = deadline;
    this.#heads[slot] = deadline;
    this.#occupied |= 1 << slot;
    return true;
  }

  /** The last moment that this level reaches. */
  furthest(reached: number): number {
    return (Math.floor(reached / this.#widthMs) + SLOTS - 1) * this.#widthMs;
  }

  take(deadline: Deadline<Owner>): void {
    const { next, previous } = deadline;
    if (next !== undefined) next.previous = previous;
    if (previous !== undefined) previous.next = next;
    else {
      const slot = slotOf(deadline.lookAt / this.#widthMs);
      this.#heads[slot] = next;
      if (next === undefined) this.#occupied &= ~(1 << slot);
    }
    deadline.level = deadline.next = deadline.previous = undefined;
    deadline.lookAt = Infinity;
  }
}

/** Bit operators take a number modulo 2^32, however large: that keeps the last five bits. */
function slotOf(number: number): number {
  return number & (SLOTS - 1);
}

function trailingZeros(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
