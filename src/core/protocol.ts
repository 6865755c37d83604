/**
 * What somebody else's server speaks, as far as it takes to open a conversation and to ask `are you
 * there?`. A data file: needs yaml and valibot, import it only where one is about to be read.
 */
import { checkShape } from './file-schema.js';
import type { Pattern } from './pattern.js';
import { protocolSchema } from './protocol-schema.js';
import type { Units } from './reply-units.js';
import { badFile, readYaml, type Path } from './plain-yaml.js';
import { namesIn, type Template } from './template.js';

export interface Protocol {
  readonly name: string;
  /** Where it is specified. */
  readonly source: string;
  /** What it was tried against. */
  readonly version: string;
  readonly ports: readonly number[];
  /** How replies to beats lie in the stream. */
  readonly units: Units;
  /** `connection`: it can be asked once a connection, so that every beat takes a fresh one. */
  readonly each: 'exchange' | 'connection';
  readonly opening: readonly OpeningStep[];
  readonly beat: {
    readonly send: Template;
    /** Any of them; none: whatever comes. */
    readonly expect: readonly Pattern[];
  };
  /** What a server says unasked. */
  readonly ignore: readonly Pattern[];
  /** What a server asks, and how it is answered; `${1}` is what the first group caught. */
  readonly answers: readonly { readonly to: Pattern; readonly send: Template }[];
}

export interface OpeningStep {
  /** Left out unless all these secrets are there, and if any of those is. */
  readonly when: readonly string[];
  readonly unless: readonly string[];
  /** Undefined: the server speaks first. */
  readonly send: Template | undefined;
  readonly units: Units;
  readonly expect: readonly Pattern[];
  /** The server says no. */
  readonly refused: readonly Pattern[];
}

/**
 * @param file its name, for messages only
 * @throws TcpaliveError BAD_PROTOCOL, one line: `FILE:LINE:COLUMN: what is wrong; what is accepted`
 */
export function parseProtocol(text: string, file: string): Protocol {
  const yaml = readYaml(text, file, 'BAD_PROTOCOL');
  const shape = checkShape(protocolSchema, yaml, (at, message) =>
    badFile(file, at, message, 'BAD_PROTOCOL'),
  );
  const { opening = [], beat, ignore = [], answers = [], ports = [] } = shape;
  const refuseNames = (template: Template, path: Path, own: RegExp) => {
    const stranger = namesIn(template).find((name) => !own.test(name));
    if (stranger === undefined) return;
    const message = `\${${stranger}} stands for nothing here; HOST, or a variable of the environment that begins with TCPALIVE_`;
    throw badFile(file, yaml.positionOf(path, 'value'), message, 'BAD_PROTOCOL');
  };
  for (const [at, { send }] of opening.entries()) {
    if (send !== undefined) refuseNames(send, ['opening', at, 'send'], FILLED);
  }
  refuseNames(beat.send, ['beat', 'send'], FILLED);
  for (const [at, { send }] of answers.entries()) {
    refuseNames(send, ['answers', at, 'send'], FILLED_IN_ANSWERS);
  }
  return {
    name: shape.name,
    source: shape.source,
    version: shape.version,
    ports,
    units: shape.units,
    each: shape.each ?? 'exchange',
    opening: opening.map(({ when = [], unless = [], send, units = shape.units, ...step }) => ({
      when,
      unless,
      send,
      units,
      expect: step.expect,
      refused: step.refused ?? [],
    })),
    beat,
    ignore,
    answers,
  };
}

/** No other variable: a file from somebody else must not send what it is not about. */
const FILLED = /^(?:HOST|TCPALIVE_[A-Z0-9_]+)$/;
const FILLED_IN_ANSWERS = /^(?:HOST|TCPALIVE_[A-Z0-9_]+|[1-9])$/;
