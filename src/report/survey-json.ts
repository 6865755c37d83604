/**
 * A survey as data: the value itself, with a line for whatever there are many of, so that grep works.
 * In ASCII, and as bytes: encoding 30 MB of text would take longer than writing it out.
 */
import type { Survey } from '../core/survey.js';
import { connectionWriter } from './survey-json-line.js';
import { asciiJson } from './json.js';
import { inPieces } from './pieces.js';

/** One JSON text. */
export function surveyJson(survey: Survey): Iterable<Uint8Array> {
  return asBytes(jsonPieces(survey));
}

function* jsonPieces(survey: Survey): Iterable<string> {
  const { processes, listeners, connections, ...facts } = survey;
  const fields = connectionWriter();
  yield asciiJson(facts).slice(0, -1);
  yield* list('processes', processes, asciiJson);
  yield* list('listeners', listeners, asciiJson);
  yield* list('connections', connections, (connection) => `{${fields(connection)}}`);
  yield '}\n';
}

/** One JSON text a line, each with its `kind`: the survey without its lists, then what they hold. */
export function surveyJsonl(survey: Survey): Iterable<Uint8Array> {
  return asBytes(jsonlPieces(survey));
}

function* jsonlPieces(survey: Survey): Iterable<string> {
  const { processes, listeners, connections, ...facts } = survey;
  const fields = connectionWriter();
  yield line('survey', facts);
  yield* inPieces(processes, (process) => line('process', process));
  yield* inPieces(listeners, (listener) => line('listener', listener));
  yield* inPieces(connections, (connection) => `{"kind":"connection",${fields(connection)}}\n`);
}

function line(kind: string, value: object): string {
  return `${asciiJson({ kind, ...value })}\n`;
}

function* list<Item>(
  name: string,
  items: readonly Item[],
  text: (item: Item) => string,
): Iterable<string> {
  yield `,"${name}":[`;
  yield* inPieces(items, (item, at) => (at === 0 ? '\n' : ',\n') + text(item));
  yield items.length === 0 ? ']' : '\n]';
}

function* asBytes(pieces: Iterable<string>): Iterable<Uint8Array> {
  for (const piece of pieces) yield Buffer.from(piece, 'latin1');
}
