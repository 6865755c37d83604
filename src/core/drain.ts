/**
 * How a server comes to its end without tearing a frame: which connection is told goodbye, and when.
 *
 * Nobody is in a hurry for the first half of the time: who has only a little left to say ends by itself.
 * Then goodbyes are said evenly, so that not all come back to the next server in one moment, to those
 * who have been silent longest first: a goodbye crosses a frame of whoever has just spoken. After them whoever
 * talks on is told with an answer, which none of his frames can cross unless he asks before he is answered. A
 * FIN is all there is to say it with; what it crosses is answered by nobody, but it draws no RST. A process that
 * stood still meanwhile ends later rather than reset those whom it has not told yet.
 */
import { addMs, msBetween, type Instant } from './time.js';

export interface Drained {
  readonly silentMs: number;
  /** In neither direction is a frame begun and not complete. */
  readonly isBetweenFrames: boolean;
}

/** Of the time: until then nobody is told goodbye. */
const PATIENT_SHARE = 0.5;

/** Of the time: by then all who are quiet have been told, and from then on whoever is answered is. */
const ANSWERS_SHARE = 0.8;

/** Of the time: from then on everybody is told. The rest, at least, is for their own goodbyes. */
const URGENT_SHARE = 0.9;

/** Whoever is in a conversation has spoken since, also on a machine that is busy. */
const QUIET_MS = 1000;

/** Whom to tell. */
export interface Goodbyes<T extends Drained> {
  readonly now: readonly T[];
  /** Of the others so many as are answered next, with their answers. */
  readonly withAnswers: number;
}

export class DrainPlan {
  readonly #goodbyesFrom: Instant;
  readonly #answersFrom: Instant;
  readonly #urgentFrom: Instant;
  readonly #lastMs: number;
  /** Known once everybody who can be told is told. */
  #end: Instant | undefined;
  /** How many there were to be told goodbye when it began. */
  #atFirst: number | undefined;

  constructor(now: Instant, timeoutMs: number) {
    this.#goodbyesFrom = addMs(now, timeoutMs * PATIENT_SHARE);
    this.#answersFrom = addMs(now, timeoutMs * ANSWERS_SHARE);
    this.#urgentFrom = addMs(now, timeoutMs * URGENT_SHARE);
    this.#lastMs = timeoutMs * (1 - URGENT_SHARE);
  }

  /** Whoever is there then is not waited for. */
  isOver(now: Instant): boolean {
    return this.#end !== undefined && now >= this.#end;
  }

  /** @param open those that have not been told yet */
  goodbyes<T extends Drained>(open: readonly T[], now: Instant): Goodbyes<T> {
    if (now < this.#goodbyesFrom) return { now: [], withAnswers: 0 };
    this.#atFirst ??= open.length;
    const able = open.filter(({ isBetweenFrames }) => isBetweenFrames);
    if (now >= this.#urgentFrom) {
      this.#end ??= addMs(now, this.#lastMs);
      return { now: able, withAnswers: Infinity };
    }
    const spreadMs = msBetween(this.#goodbyesFrom, this.#answersFrom);
    const left = Math.max(0, msBetween(now, this.#answersFrom) / spreadMs);
    const due = Math.max(0, open.length - Math.floor(this.#atFirst * left));
    const quiet = able
      .filter(({ silentMs }) => silentMs >= QUIET_MS)
      .toSorted((a, b) => b.silentMs - a.silentMs)
      .slice(0, due);
    return { now: quiet, withAnswers: left > 0 ? due - quiet.length : Infinity };
  }
}
