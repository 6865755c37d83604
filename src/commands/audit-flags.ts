/** Flags of `probe` that measure a server, or the path to it, from outside. */
import { Option, type Command } from 'commander';
import { formatDuration, parseDuration } from '../core/duration.js';
import { BESIDE, SHORTEST_SILENCE_MS } from '../core/idle-limit-plan.js';
import { formatMode, type Mode } from '../core/mode.js';
import { parseVanishExpectation, type VanishExpectation } from '../core/vanish-expect.js';
import { TcpaliveError } from '../errors.js';
import { repeatable, wholeNumber } from './options.js';

export interface AuditFlags {
  readonly vanish?: boolean;
  readonly idleLimit?: boolean;
  readonly load?: 'idle' | 'write';
  readonly wait: number;
  readonly connections?: number;
  readonly expect: readonly VanishExpectation[];
}

const DEFAULT_WAIT_MS = 20 * 60_000;

export const defaultConnections = { vanish: 1, idleLimit: 16 };

/** More would be an attack, and are of no more use. */
const MOST_CONNECTIONS = 256;

/** Two to compare, and what is opened beside them. */
const FEWEST_SILENT = 2 + BESIDE;

/** What goes on with beats, or ends by them. */
const OF_PROBES = ['count', 'duration', 'dropAfter', 'script', 'reconnect'];

export function addAuditFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--vanish', 'how long it keeps a client that vanishes, and why').conflicts([
        ...OF_PROBES,
        'idleLimit',
      ]),
    )
    .addOption(
      new Option('--load <load>', '--vanish: idle, or write, where an answer is under way')
        .choices(['idle', 'write'])
        .argParser(parseLoad),
    )
    .addOption(
      new Option('--idle-limit', 'the longest silence that the path to it survives').conflicts(
        OF_PROBES,
      ),
    )
    .addOption(
      new Option('--wait <time>', 'for --vanish and --idle-limit: how long to watch at most')
        .default(DEFAULT_WAIT_MS, formatDuration(DEFAULT_WAIT_MS))
        .argParser(parseWait),
    )
    .option(
      '--connections <n>',
      `how many vanish (default: ${defaultConnections.vanish}), ` +
        `or are silent at a time (default: ${defaultConnections.idleLimit})`,
      wholeNumber(1, MOST_CONNECTIONS),
    )
    .addOption(
      new Option('--expect <expr>', "--vanish: a condition, such as 'noticed<5m'; repeatable")
        .default([], 'none')
        .argParser(repeatable(parseVanishExpectation)),
    );
}

/** @param given by its name, whether a flag was typed. @throws TcpaliveError BAD_USAGE */
export function refuseUnauditable(
  { vanish, idleLimit, connections, mode }: AuditFlags & { readonly mode: Mode },
  given: (flag: string) => boolean,
): void {
  const audits = vanish === true || idleLimit === true;
  const stray = ['wait', 'connections'].find((flag) => !audits && given(flag));
  if (stray !== undefined) throw badUsage(`--${stray} is for --vanish and --idle-limit`);
  const ofVanish = ['load', 'expect'].find((flag) => vanish !== true && given(flag));
  if (ofVanish !== undefined) throw badUsage(`--${ofVanish} is for --vanish`);
  if (vanish === true && given('mode')) {
    throw badUsage("--vanish finds out the server's mode: it takes no --mode of ours");
  }
  if (idleLimit !== true) return;
  if (connections !== undefined && connections < FEWEST_SILENT) {
    throw badUsage(`--connections ${connections}: --idle-limit takes ${FEWEST_SILENT} at least`);
  }
  const { keepalive, ...others } = mode;
  if (given('mode') && (keepalive === undefined || Object.keys(others).length > 0)) {
    throw badUsage(
      `--idle-limit tries silences, and beside them keepalive alone: not mode ${formatMode(mode)}, ` +
        'but --mode keepalive=IDLE:INTERVAL:COUNT, or none of it',
    );
  }
}

function parseLoad(text: string): 'idle' | 'write' {
  if (text === 'idle' || text === 'write') return text;
  throw badUsage(`'${text}' is not a load of --vanish: idle or write`);
}

function parseWait(text: string): number {
  const ms = parseDuration(text);
  if (ms >= SHORTEST_SILENCE_MS) return ms;
  throw badUsage(
    `'${text}' is too short: a keepalive probe asks after ${formatDuration(SHORTEST_SILENCE_MS)} of silence at least`,
  );
}

function badUsage(message: string): TcpaliveError {
  return new TcpaliveError('BAD_USAGE', message);
}
