/** A protocol as it is spoken to one server: filled with its name and with secrets. Pure, without clocks. */
import { TcpaliveError } from '../errors.js';
import { matchOf, type Pattern } from './pattern.js';
import type { OpeningStep, Protocol } from './protocol.js';
import { recognise } from './recognise.js';
import { fill, namesIn, type Filling } from './template.js';

export interface Speech {
  readonly protocol: Protocol;
  /** Those steps that the secrets at hand ask for. */
  readonly opening: readonly OpeningStep[];
  readonly filling: Filling;
}

/** What one unit is. */
export type Heard =
  | { readonly kind: 'expected' }
  | { readonly kind: 'refused' }
  /** The server's own: `answer` is what it wants to hear, if anything. */
  | { readonly kind: 'push'; readonly answer: Uint8Array | undefined }
  | { readonly kind: 'strange' };

/** Every name that an opening or a beat may be filled with. */
export function secretsOf({ opening, beat }: Protocol): readonly string[] {
  return [...opening.map(({ send }) => send ?? []), beat.send].flatMap(namesIn);
}

/** @throws TcpaliveError BAD_PROTOCOL naming a secret that is needed, and not there or more than a line */
export function speechOf(protocol: Protocol, filling: Filling): Speech {
  const { named } = filling;
  const opening = protocol.opening.filter(
    ({ when, unless }) =>
      when.every((name) => named.has(name)) && !unless.some((name) => named.has(name)),
  );
  const needed = secretsOf({ ...protocol, opening });
  const missing = needed.find((name) => !named.has(name));
  if (missing !== undefined) {
    throw new TcpaliveError(
      'BAD_PROTOCOL',
      `the protocol ${protocol.name} needs ${missing} in the environment`,
    );
  }
  // It would be read as the server's next command.
  const broken = needed.find((name) => named.get(name)?.some((byte) => byte < 0x20));
  if (broken !== undefined) {
    throw new TcpaliveError('BAD_PROTOCOL', `${broken} holds a line end or a control character`);
  }
  return { protocol, opening, filling };
}

/** One that says something before it falls silent: its opening, or where it has none a beat. */
export function withFirstWord(speech: Speech): Speech {
  if (speech.opening.length > 0) return speech;
  const { units, beat } = speech.protocol;
  const ask = { when: [], unless: [], units, send: beat.send, expect: beat.expect, refused: [] };
  return { ...speech, opening: [ask] };
}

/** A beat's bytes. */
export function requestOf({ protocol, filling }: Speech): Uint8Array {
  return fill(protocol.beat.send, filling);
}

/** @param refused replies that say no, in an opening */
export function hear(
  { protocol, filling }: Speech,
  unit: Uint8Array,
  expect: readonly Pattern[],
  refused: readonly Pattern[] = [],
): Heard {
  const isAny = (patterns: readonly Pattern[]) =>
    patterns.some((pattern) => matchOf(pattern, unit) !== undefined);
  if (expect.length === 0 || isAny(expect)) return { kind: 'expected' };
  if (isAny(refused)) return { kind: 'refused' };
  for (const { to, send } of protocol.answers) {
    const match = matchOf(to, unit);
    if (match === undefined) continue;
    const named = new Map(filling.named);
    match.groups.forEach((group, at) => named.set(`${at + 1}`, group));
    return { kind: 'push', answer: fill(send, { ...filling, named }) };
  }
  if (isAny(protocol.ignore)) return { kind: 'push', answer: undefined };
  return { kind: 'strange' };
}

/** Of whoever says something else than they should; never the bytes themselves. */
export function strangeWords(said: Uint8Array, asked: Uint8Array): string {
  const name = isEcho(said, asked) ? 'a server that echoes what it gets' : recognise(said);
  return `answered in another protocol${name === undefined ? '' : `: looks like ${name}`}`;
}

/** Two bytes can be alike by chance. */
function isEcho(said: Uint8Array, asked: Uint8Array): boolean {
  const length = Math.min(said.length, asked.length);
  return length > 2 && said.subarray(0, length).every((byte, at) => byte === asked[at]);
}
