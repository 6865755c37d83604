import type { Output } from './environment.js';

/** So many entries before this one: whoever reads them does not keep up. */
interface Untold {
  readonly event: 'untold';
  readonly time: string;
  readonly entries: number;
}

/** Lines for a reader that does not keep up: some hundred KiB. Strangers make no more than that of them. */
const MOST_WAITING = 1000;

/** A log, a line an entry: what a reader does not keep up with is left out, counted, and told. */
export class BoundedLines<Entry extends { readonly time: string }> {
  readonly #output: Output;
  readonly #lineOf: (entry: Entry | Untold) => string;
  #untold = 0;

  constructor(output: Output, lineOf: (entry: Entry | Untold) => string) {
    this.#output = output;
    this.#lineOf = lineOf;
  }

  write(entry: Entry, mayBeLeftOut: boolean): void {
    if (mayBeLeftOut && this.#output.waiting >= MOST_WAITING) {
      this.#untold++;
      return;
    }
    if (this.#untold > 0) {
      const { time } = entry;
      this.#output.write(this.#lineOf({ event: 'untold', time, entries: this.#untold }));
      this.#untold = 0;
    }
    this.#output.write(this.#lineOf(entry));
  }
}
