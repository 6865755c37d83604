/**
 * A dump in memory that two threads share: one writes it, the other reads it while it grows. Whoever
 * reads waits for anything new with a deadline: what has not come by then is missing, and torn.
 */

/** Of the first words: how far it has come, how many bytes are there, and how often that has changed. */
const STAGE = 0;
const BYTES = 1;
const CHANGES = 2;
const HEADER_BYTES = 16;

const UNDER_WAY = 0;
const WHOLE = 1;
const TORN = 2;

/** Of a thread that has not begun, too: on a busy machine it is not worth waiting for. */
const PATIENCE_MS = 2000;

export class SharedDump {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #room: Uint8Array;
  readonly #patienceMs: number;
  #isGivenUp = false;

  constructor(memory: SharedArrayBuffer, patienceMs = PATIENCE_MS) {
    this.memory = memory;
    this.#patienceMs = patienceMs;
    this.#words = new Int32Array(memory, 0, HEADER_BYTES / 4);
    this.#room = new Uint8Array(memory, HEADER_BYTES);
  }

  /** Pages that are never written take no memory. */
  static withRoom(bytes: number): SharedDump {
    return new SharedDump(new SharedArrayBuffer(HEADER_BYTES + bytes));
  }

  /** @throws RangeError when it does not fit */
  keep(piece: Uint8Array): void {
    const at = Atomics.load(this.#words, BYTES);
    this.#room.set(piece, at);
    // The kernel aligns every message to four bytes, the next one's start too.
    this.#change(BYTES, at + piece.length + (-piece.length & 3));
  }

  end(isTorn: boolean): void {
    this.#change(STAGE, isTorn ? TORN : WHOLE);
  }

  /** What is there, and then what comes, to the end. */
  *pieces(): Generator<Uint8Array, void> {
    for (let read = 0; ;) {
      const changes = Atomics.load(this.#words, CHANGES);
      const isOver = Atomics.load(this.#words, STAGE) !== UNDER_WAY;
      const there = Atomics.load(this.#words, BYTES);
      if (there > read) yield this.#room.subarray(read, there);
      else if (isOver || !this.#hasChanged(changes)) return;
      read = there;
    }
  }

  /** Waits for the end. */
  get torn(): boolean {
    for (;;) {
      const changes = Atomics.load(this.#words, CHANGES);
      const stage = Atomics.load(this.#words, STAGE);
      if (stage !== UNDER_WAY) return stage !== WHOLE;
      if (!this.#hasChanged(changes)) return true;
    }
  }

  #hasChanged(changes: number): boolean {
    if (this.#isGivenUp) return false;
    const waited = Atomics.wait(this.#words, CHANGES, changes, this.#patienceMs);
    this.#isGivenUp = waited === 'timed-out';
    return !this.#isGivenUp;
  }

  #change(word: number, value: number): void {
    Atomics.store(this.#words, word, value);
    Atomics.add(this.#words, CHANGES, 1);
    Atomics.notify(this.#words, CHANGES);
  }
}
