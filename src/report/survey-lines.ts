/**
 * Connections as JSON. Of each is kept what it takes to write it, a fraction of what it is: what comes
 * before them in the text is known last, and so is their order.
 */
import type { IdleSockets } from '../core/idle-sockets.js';
import { type AlikeSink, type Connection, type SurveyFacts } from '../core/survey.js';
import { AsciiPieces } from './ascii-pieces.js';
import { asciiJson } from './json.js';
import { JsonRows } from './survey-json-rows.js';

export type LineFormat = 'json' | 'jsonl';

export class SurveyLines implements AlikeSink {
  readonly #rows: JsonRows;
  readonly #format: LineFormat;
  readonly #out = new AsciiPieces();

  constructor(format: LineFormat) {
    this.#format = format;
    this.#rows = format === 'json' ? new JsonRows(',\n{', '}') : new JsonRows(JSONL_OPENING, '}\n');
  }

  add(connection: Connection): void {
    this.#rows.add(connection);
  }

  like(connection: Connection): number {
    return this.#rows.restOf(connection);
  }

  addAlike(idle: IdleSockets, likes: Uint32Array, fds: Uint32Array): void {
    this.#rows.addAlike(idle, likes, fds);
  }

  /** The whole text, the worst first. */
  worstFirst(facts: SurveyFacts): Iterable<Uint8Array> {
    return this.#whole(facts, this.#rows.worstFirst());
  }

  /** The whole text, in the order in which they were added. */
  asAdded(facts: SurveyFacts): Iterable<Uint8Array> {
    return this.#whole(
      facts,
      Array.from({ length: this.#rows.length }, (_, place) => place),
    );
  }

  /** The piece that came last is out: the next but one may take its place. */
  reuse(): void {
    this.#out.reuse();
  }

  #whole(facts: SurveyFacts, places: Iterable<number>): Iterable<Uint8Array> {
    return this.#format === 'json' ? this.#json(facts, places) : this.#jsonl(facts, places);
  }

  *#json(
    { processes, listeners, ...facts }: SurveyFacts,
    places: Iterable<number>,
  ): Iterable<Uint8Array> {
    const out = this.#out;
    const value = (each: object) => out.text(asciiJson(each));
    out.text(asciiJson(facts).slice(0, -1));
    yield* list(out, 'processes', processes, value);
    yield* list(out, 'listeners', listeners, value);
    out.text(',"connections":[');
    const count = yield* inPieces(out, places, (place, at) => {
      this.#rows.write(place, out, at === 0 ? ','.length : 0);
    });
    out.text(count === 0 ? ']}\n' : '\n]}\n');
    yield out.take();
  }

  *#jsonl(
    { processes, listeners, ...facts }: SurveyFacts,
    places: Iterable<number>,
  ): Iterable<Uint8Array> {
    const out = this.#out;
    const line = (kind: string, value: object) => out.text(`${asciiJson({ kind, ...value })}\n`);
    line('survey', facts);
    yield* inPieces(out, processes, (process) => line('process', process));
    yield* inPieces(out, listeners, (listener) => line('listener', listener));
    yield* inPieces(out, places, (place) => this.#rows.write(place, out, 0));
    yield out.take();
  }
}

const JSONL_OPENING = '{"kind":"connection",';

function* list<Item>(
  out: AsciiPieces,
  name: string,
  items: Iterable<Item>,
  write: (item: Item) => void,
): Iterable<Uint8Array> {
  out.text(`,"${name}":[`);
  const count = yield* inPieces(out, items, (item, at) => {
    out.text(at === 0 ? '\n' : ',\n');
    write(item);
  });
  out.text(count === 0 ? ']' : '\n]');
}

/** @returns how many there were */
function* inPieces<Item>(
  out: AsciiPieces,
  items: Iterable<Item>,
  write: (item: Item, at: number) => void,
): Generator<Uint8Array, number> {
  let at = 0;
  for (const item of items) {
    write(item, at++);
    if (out.isFull) yield out.take();
  }
  return at;
}
