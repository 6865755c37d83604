/** The shape of a protocol file. Which `${NAME}` may stand where is left to protocol.ts. */
import * as v from 'valibot';
import { parseHex } from './byte-text.js';
import { isMapping, list, mapping, shown, spelled, text, whole } from './file-schema.js';
import { parsePattern } from './pattern.js';
import { UNITS, type Units } from './reply-units.js';
import { UNPRINTABLE } from './plain-yaml.js';
import {
  FRAME_FORMS,
  LENGTH_FORMS,
  parseText,
  type FrameForm,
  type LengthForm,
  type Template,
  type TemplatePart,
} from './template.js';

const MOST_STEPS = 16;
const LONGEST_LINE = 200;
const HEX = "two digits a byte, in quotes, such as '00 10'";

const line = (what: string) =>
  text(
    (input) => input.trim() !== '' && input.length <= LONGEST_LINE && !UNPRINTABLE.test(input),
    what,
    `text of one printable line, at most ${LONGEST_LINE} characters`,
  );

const name = text(
  (input) => /^[a-z][a-z0-9-]{0,31}$/.test(input),
  'the name of a protocol',
  'text such as redis, at most 32 small letters, digits and dashes',
);

const secret = text(
  (input) => /^TCPALIVE_[A-Z0-9_]{1,55}$/.test(input),
  'the name of a secret',
  'a variable of the environment that begins with TCPALIVE_',
);

/** A word out of a closed list. */
function oneOf<Word extends string>(what: string, words: readonly Word[]) {
  return v.pipe(
    text((input) => words.some((word) => word === input), what, `one of ${words.join(', ')}`),
    v.transform((input) => input as Word),
  );
}

const pattern = spelled(parsePattern, 'a reply', 'write text, hex:2b or /^[+]/');
const patterns = list(pattern, 'replies', MOST_STEPS);
const units = oneOf<Units>('a kind of units', UNITS);

/** In quotes: to YAML 0010 is the number ten. */
const hex: v.GenericSchema<unknown, Uint8Array> = v.lazy((input) =>
  typeof input === 'string'
    ? spelled(parseHex, 'hex', HEX)
    : v.never(`${shown(input)} is not hex; ${HEX}`),
);

const textPart = v.pipe(
  text((input) => input !== '' && input.length <= 4096, 'text to send', 'at most 4096 characters'),
  v.transform(parseText),
);

const template: v.GenericSchema<unknown, Template> = v.lazy((input) =>
  Array.isArray(input)
    ? list(part, 'parts to send', MOST_STEPS)
    : v.pipe(
        part,
        v.transform((only) => [only]),
      ),
);

const partsByKey: Readonly<Record<string, v.GenericSchema<unknown, TemplatePart>>> = {
  hex: v.pipe(
    mapping('bytes to send', { hex }),
    v.transform(({ hex }): TemplatePart => ({ kind: 'bytes', bytes: hex })),
  ),
  random: v.pipe(
    mapping('random bytes', { random: whole('random', 1, 64) }),
    v.transform(({ random }): TemplatePart => ({ kind: 'random', count: random })),
  ),
  base64: v.pipe(
    mapping('base64', { base64: template }),
    v.transform(({ base64 }): TemplatePart => ({ kind: 'base64', of: base64 })),
  ),
  json: v.pipe(
    mapping('a JSON text', { json: template }),
    v.transform(({ json }): TemplatePart => ({ kind: 'json', of: json })),
  ),
  length: v.pipe(
    mapping('a length', { length: oneOf<LengthForm>('a length', LENGTH_FORMS), of: template }),
    v.transform(({ length, of }): TemplatePart => ({ kind: 'length', form: length, of })),
  ),
  frame: v.pipe(
    mapping('a frame', {
      frame: oneOf<FrameForm>('a frame', FRAME_FORMS),
      of: v.optional(template),
    }),
    v.transform(({ frame, of = [] }): TemplatePart => ({ kind: 'frame', form: frame, of })),
  ),
};

const part: v.GenericSchema<unknown, TemplatePart> = v.lazy((input) => {
  if (!isMapping(input)) return textPart;
  const key = Object.keys(input).find((each) => Object.hasOwn(partsByKey, each));
  const accepted = `text, or a mapping with ${Object.keys(partsByKey).join(', ')}`;
  return partsByKey[key ?? ''] ?? v.never(`${shown(input)} is not to be sent; ${accepted}`);
});

const step = mapping('an opening step', {
  when: v.optional(list(secret, 'secrets')),
  unless: v.optional(list(secret, 'secrets')),
  send: v.optional(template),
  units: v.optional(units),
  expect: patterns,
  refused: v.optional(patterns),
});

export const protocolSchema = mapping('a protocol', {
  name,
  source: line('a source'),
  version: line('a version'),
  ports: v.optional(list(whole('a port', 1, 65_535), 'ports', MOST_STEPS)),
  units,
  each: v.optional(oneOf('a span of beats', ['exchange', 'connection'] as const)),
  opening: v.optional(list(step, 'opening steps', MOST_STEPS)),
  beat: mapping('a beat', { send: template, expect: patterns }),
  ignore: v.optional(patterns),
  answers: v.optional(
    list(mapping('an answer', { to: pattern, send: template }), 'answers', MOST_STEPS),
  ),
});
