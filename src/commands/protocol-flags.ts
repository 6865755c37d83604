/** `--protocol` and what goes with it, for every command that speaks to somebody else's server. */
import { Option, type Command } from 'commander';
import { bytesOf, unescapeText } from '../core/byte-text.js';
import { parsePattern, type Pattern } from '../core/pattern.js';
import { parseProtocolName, protocolPresets } from '../core/protocol-presets.js';
import { parseText, type Template } from '../core/template.js';
import { TcpaliveError } from '../errors.js';

export interface ProtocolFlags {
  /** A preset's name, or a file. */
  readonly protocol?: string;
  readonly send?: Template;
  readonly expectReply?: Pattern;
  readonly secretFile?: string;
}

export function addProtocolOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--protocol <name>', 'what the server speaks, or a file that says it').argParser(
        parseProtocolName,
      ),
    )
    .addOption(
      new Option('--send <text>', 'what to ask it instead: text, or hex:0d0a')
        .argParser(parseSending)
        .conflicts('protocol'),
    )
    .addOption(
      new Option(
        '--expect-reply <text>',
        'what is an answer to --send: text, hex: or /regex/',
      ).argParser(parseReply),
    )
    .option('--secret-file <file>', 'holds the password');
}

export const PROTOCOL_HELP = `Protocols, and the ports by which they are guessed:
  ${presetWords(0, 7)},
  ${presetWords(7)}; or a file like those in fixtures/protocols.
With --protocol or --send, secrets come from TCPALIVE_USER and TCPALIVE_PASSWORD, or the password
from --secret-file. A protocol guessed from the port gets none.`;

function presetWords(from: number, to?: number): string {
  const words = Object.entries(protocolPresets).map(([name, ports]) =>
    ports.length === 0 ? name : `${name} (${ports.join(', ')})`,
  );
  return words.slice(from, to).join(', ');
}

/** Flags that each make sense, and not together. @throws TcpaliveError BAD_USAGE */
export function refuseHalfProtocol({
  protocol,
  send,
  expectReply,
  secretFile,
}: ProtocolFlags): void {
  if (secretFile !== undefined && protocol === undefined && send === undefined) {
    throw new TcpaliveError(
      'BAD_USAGE',
      '--secret-file goes with --protocol or --send: a guess gets no secret',
    );
  }
  if (expectReply !== undefined && send === undefined) {
    throw new TcpaliveError('BAD_USAGE', '--expect-reply goes with --send, which is not given');
  }
}

function parseSending(text: string): Template {
  if (text === '') throw new TcpaliveError('BAD_USAGE', 'nothing to send: write text or hex:0d0a');
  if (text.startsWith('hex:')) return [{ kind: 'bytes', bytes: bytesOf(text) }];
  return [parseText(unescapeText(text))];
}

/** A regular expression has the same escapes as text, and reads them itself. */
function parseReply(text: string): Pattern {
  if (/^\/(?!.*\/$)/s.test(text)) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${text}' begins a regular expression: it ends with a slash, and takes no flags`,
      { hint: 'text that begins with a slash is a regular expression too: /^\\/text/' },
    );
  }
  return parsePattern(/^\/.*\/$|^hex:/s.test(text) ? text : unescapeText(text));
}
