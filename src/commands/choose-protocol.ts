/** From flags, a port, a file and the environment to a protocol that can be spoken. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import type { Pattern } from '../core/pattern.js';
import { isProtocolFile, presetOfPort } from '../core/protocol-presets.js';
import type { Protocol } from '../core/protocol.js';
import { secretsOf, speechOf, withFirstWord, type Speech } from '../core/speech.js';
import type { Template } from '../core/template.js';
import { TcpaliveError } from '../errors.js';
import type { Environment } from './environment.js';
import type { ProtocolFlags } from './protocol-flags.js';
import { unreadableWords } from './unreadable.js';

export interface ChosenProtocol {
  readonly speech: Speech;
  /** From the port: nobody said so. */
  readonly guessed: boolean;
}

/**
 * Undefined: nobody said, and nothing is known of the port. A guess gets no secret: it may be wrong.
 * @throws TcpaliveError BAD_PROTOCOL; BAD_USAGE when a secret is of no use
 */
export async function chooseProtocol(
  env: Environment,
  flags: ProtocolFlags,
  remote: Endpoint,
): Promise<ChosenProtocol | undefined> {
  const { protocol: name, send, secretFile } = flags;
  const guess = name === undefined && send === undefined ? presetOfPort(remote.port) : undefined;
  const protocol = await readProtocol(env, flags, name ?? guess);
  if (protocol === undefined) return undefined;
  if (secretFile !== undefined && !secretsOf(protocol).includes(PASSWORD)) {
    throw new TcpaliveError('BAD_USAGE', `--secret-file: ${protocol.name} asks for no password`);
  }
  const secrets = guess === undefined ? await readSecrets(env, flags) : {};
  const named = new Map(
    Object.entries({ ...secrets, HOST: formatEndpoint(remote) }).map(([key, value]) => [
      key,
      new TextEncoder().encode(value),
    ]),
  );
  const speech = speechOf(protocol, { named, random: (count) => randomBytes(count) });
  return { speech, guessed: guess !== undefined };
}

/** What an audit says before it falls silent: only what was asked for. Undefined: nothing. */
export async function spokenFirst(
  env: Environment,
  flags: ProtocolFlags,
  remote: Endpoint,
): Promise<Speech | undefined> {
  const { protocol, send } = flags;
  if (protocol === undefined && send === undefined) return undefined;
  const chosen = await chooseProtocol(env, flags, remote);
  return chosen && withFirstWord(chosen.speech);
}

const PASSWORD = 'TCPALIVE_PASSWORD';

/** A person typed no more. */
const LONGEST_SECRET_BYTES = 4096;

/** Presets are read from beside the program. The grammar and its parser are imported only now. */
async function readProtocol(
  env: Environment,
  { send, expectReply }: ProtocolFlags,
  name: string | undefined,
): Promise<Protocol | undefined> {
  if (send !== undefined) return ownProtocol(send, expectReply);
  if (name === undefined) return undefined;
  const file = isProtocolFile(name)
    ? name
    : join(dirname(env.bin), '..', 'fixtures', 'protocols', `${name}.yaml`);
  const [text, { parseProtocol }] = await Promise.all([
    readFile(file, 'utf8').catch((cause: unknown) => {
      const message = `cannot read the protocol ${file}: ${unreadableWords(cause)}`;
      throw new TcpaliveError('BAD_PROTOCOL', message, { cause });
    }),
    import('../core/protocol.js'),
  ]);
  return parseProtocol(text, file);
}

function ownProtocol(send: Template, expectReply: Pattern | undefined): Protocol {
  return {
    name: 'custom',
    source: '--send',
    version: '',
    ports: [],
    units: 'bytes',
    each: 'exchange',
    opening: [],
    beat: { send, expect: expectReply === undefined ? [] : [expectReply] },
    ignore: [],
    answers: [],
  };
}

async function readSecrets(
  { variables }: Environment,
  { secretFile }: ProtocolFlags,
): Promise<Readonly<Record<string, string>>> {
  const found: Record<string, string> = {};
  for (const [name, value] of Object.entries(variables)) {
    if (name.startsWith('TCPALIVE_') && value !== undefined && value !== '') found[name] = value;
  }
  if (secretFile !== undefined) found[PASSWORD] = await readSecret(secretFile);
  return found;
}

/** @throws TcpaliveError BAD_USAGE, without a word of what is in it */
async function readSecret(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    const message = `--secret-file: cannot read ${file}: ${unreadableWords(cause)}`;
    throw new TcpaliveError('BAD_USAGE', message, { cause });
  });
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '' || secret.length > LONGEST_SECRET_BYTES || /\p{Cc}/u.test(secret)) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `--secret-file: ${file} does not hold one line of at most ${LONGEST_SECRET_BYTES} characters`,
    );
  }
  return secret;
}
