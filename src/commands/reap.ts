import { Command, Option } from 'commander';
import { formatDuration, parseDuration } from '../core/duration.js';
import { isEmpty } from '../core/selection.js';
import { TcpaliveError } from '../errors.js';
import { parseAskWait, type AskFlag } from './ask-wait.js';
import type { Environment } from './environment.js';
import { colorOption, jsonOption } from './options.js';
import { addSelection, selectionFrom, type SelectionFlags } from './selection.js';
import type { ColorChoice } from './style.js';

export interface ReapFlags extends SelectionFlags {
  readonly after: number;
  readonly ask?: AskFlag;
  readonly yes?: boolean;
  readonly record?: string;
  readonly json?: boolean;
  readonly color: ColorChoice;
}

/** Longer than any outage that one would want to live through without a word. */
const DEFAULT_AFTER_MS = 60_000;

export function reapCommand(env: Environment): Command {
  const command = new Command('reap').description(
    'end connections that are proven dead; only shows them unless --yes',
  );
  return addSelection(command)
    .addOption(
      new Option('--after <time>', 'what is dying must have left something unanswered that long')
        .default(DEFAULT_AFTER_MS, formatDuration(DEFAULT_AFTER_MS))
        .argParser(parseAfter),
    )
    .option(
      '--ask [wait]',
      'also what has no timer and is silent under two asks (default wait: 2s)',
      parseAskWait,
    )
    .option('--yes', 'end them')
    .option('--record <file>', 'where the evidence is written, a JSON object a line')
    .addOption(jsonOption())
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action(async (flags: ReapFlags) => {
      if (isEmpty(selectionFrom(flags))) {
        throw new TcpaliveError('BAD_USAGE', 'reap needs a filter: which connections are meant?', {
          hint: 'such as --port 443, --unit nginx or --pid 812',
        });
      }
      const { runReap } = await import('./run-reap.js');
      await runReap(env, flags);
    });
}

/** A lost segment or two is no death. @throws TcpaliveError BAD_USAGE */
function parseAfter(text: string): number {
  const afterMs = parseDuration(text);
  if (afterMs >= SHORTEST_AFTER_MS) return afterMs;
  throw new TcpaliveError('BAD_USAGE', `'${text}' is too short to call anything dead: at least 1s`);
}

const SHORTEST_AFTER_MS = 1000;

const HELP = `
A filter is needed: which connections are meant?

Dead is what has left retransmissions or probes unanswered for --after, and with --ask what answered
neither of two asks; nobody is while this host's own link, route, address or router is gone. What is
retransmitted was last sent up to 2m ago: if an outage has just ended, wait so long first, or what would
recover is ended. Both ends get an RST (SOCK_DESTROY); the program sees ECONNABORTED. Loopback and the
session that this command was typed in are never touched.

Examples:
  sudo tcpalive reap --port 443                    what would be ended, and why
  sudo tcpalive reap --port 443 --ask --yes        end it, with a record of the evidence
  sudo tcpalive reap --unit nginx --silent 1h --after 5m --yes
`;
