import { Command, Option } from 'commander';
import { formatDuration, parseDuration } from '../core/duration.js';
import { fateKinds, type FateKind } from '../core/fate.js';
import { parseFailOn, type Condition } from '../core/fail-on.js';
import { TcpaliveError } from '../errors.js';
import { beginSurvey, openKernel } from '../kernel/open-kernel.js';
import {
  groupFields,
  parseGrouping,
  parseSurveyFormat,
  rowFields,
  type Grouping,
  type SurveyFormat,
} from '../report/survey-options.js';
import { ASK_ROOM_MS, askWaitMs, parseAskWait, type AskFlag } from './ask-wait.js';
import type { Environment } from './environment.js';
import { colorOption, jsonOption, wholeNumber } from './options.js';
import { addSelection, type SelectionFlags } from './selection.js';
import type { ColorChoice } from './style.js';

export interface LsFlags extends SelectionFlags {
  readonly all?: boolean;
  readonly top?: number;
  readonly headers: boolean;
  readonly owners: boolean;
  readonly options?: boolean;
  readonly by: Grouping;
  readonly watch?: number;
  readonly from?: string;
  readonly netns?: string;
  readonly ask?: AskFlag;
  readonly failOn?: readonly Condition[];
  readonly format: SurveyFormat;
  readonly json?: boolean;
  readonly color: ColorChoice;
}

export function lsCommand(env: Environment): Command {
  const command = new Command('ls')
    .description('what lingers on this machine, who holds it, and when each connection will die')
    .option('--all', 'every connection, the worst first')
    .addOption(
      new Option('--top <n>', 'the n worst connections')
        .argParser(wholeNumber(1, 1_000_000))
        .conflicts('all'),
    );
  return addSelection(command)
    .addOption(
      new Option('--by <what>', 'group by process, unit, peer or port')
        .default('process')
        .argParser(parseGrouping),
    )
    .option(
      '--ask [wait]',
      'settle who is silent and who answers, with one keepalive probe each (default wait: 2s, at most 5m)',
      parseAskWait,
    )
    .option(
      '--watch <time>',
      'again and again, 500ms apart or more: what is new, what is gone',
      parseWatch,
    )
    .option('--from <file>', "another machine's `ss -tneoiH`, pasted; - for standard input")
    .option('--netns <which>', 'another network namespace: a process, a name, a path, or all')
    .option('--no-owners', 'faster: not who holds each, nor its options')
    .option('--options', 'the user timeouts of more than 10,000 idle connections too')
    .option('--no-headers', 'rows alone, for awk: always the fields named below')
    .option('--fail-on <list>', 'exit 1 when there is one: fates, or fds=90%', parseFailOn)
    .addOption(
      new Option('--format <format>', 'table, markdown, csv, json, jsonl or openmetrics')
        .default('table')
        .argParser(parseSurveyFormat),
    )
    .addOption(jsonOption())
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action(async (flags: LsFlags) => {
      refuseImpossible(flags);
      const open = readsAhead(flags) ? await beginSurvey(flags.owners) : openKernel;
      const { runLs } = await import('./run-ls.js');
      await runLs(env, flags, open);
    });
}

const MEANINGS: Readonly<Record<FateKind, string>> = {
  forever: 'no timer: dead or merely quiet, nobody will notice; --ask settles it',
  leaked: 'a goodbye was said and the program still holds it: its own leak',
  dying: 'unanswered: given up between two moments, unless an answer comes',
  slow: 'the peer has no room, and answers',
  unknown: 'not enough could be read',
  armed: 'noticed if the peer vanishes: within that time when idle, within that when busy',
  closing: 'let go of by its program, the kernel finishes',
};

const HELP = `
Fates, the worst first:
${fateKinds.map((kind) => `  ${kind.padEnd(9)} ${MEANINGS[kind]}`).join('\n')}

--ask closes nothing and puts every option back; it takes root, or connections of your own.

--no-headers prints fields between spaces, none with a space in it, - for nothing. With --all or --top:
  ${rowFields.join(' ')}
else of each group:
  ${groupFields.join(' ')}

Exit codes: 0 done, and where nothing matches; 1 what --fail-on names is there; 2 usage; 3 could not
look; 130/143 interrupted.

Examples:
  tcpalive ls                                      the summary
  sudo tcpalive ls --top 20 --silent 10m           the twenty worst of the long silent ones
  sudo tcpalive ls --ask --port 443                which of them are dead
  tcpalive ls --from ss.txt --all                  of a machine where nothing may be installed
  tcpalive ls --all --no-headers | awk '$8 == "leaked" { print $4 }'
  tcpalive ls --format openmetrics > /var/lib/node_exporter/tcpalive.prom
  tcpalive ls --fail-on leaked,fds=90%             for cron and CI
`;

function refuseImpossible(flags: LsFlags): void {
  const { from, ask, watch, netns, format, json, owners, options, failOn } = flags;
  if (from !== undefined) {
    const clash = firstGiven({
      '--ask': ask !== undefined,
      '--watch': watch !== undefined,
      '--netns': netns !== undefined,
      '--no-owners': !owners,
      '--options': options === true,
      '--fail-on fds': countsDescriptors(flags),
    });
    if (clash !== undefined)
      throw refusal(`--from cannot be combined with ${clash}: a file is what it is`);
  }
  const ofOwners = firstGiven({
    '--ask': ask !== undefined,
    '--pid': flags.pid !== undefined,
    '--unit': flags.unit !== undefined,
    '--fail-on fds': countsDescriptors(flags),
  });
  if (ofOwners !== undefined && !owners)
    throw refusal(`${ofOwners} needs to know who holds each: leave out --no-owners`);
  if (format === 'openmetrics' && json !== true && flags.top !== undefined)
    throw refusal('--format openmetrics has no --top: it counts all');
  if (watch === undefined) return;
  if (failOn !== undefined) throw refusal('--watch has no --fail-on: it ends with Ctrl-C alone');
  if (format !== 'table' || json === true)
    throw refusal('--watch has no --format: it is for the eye');
  if (ask !== undefined && watch < askWaitMs(ask) + ASK_ROOM_MS) {
    const takes = formatDuration(askWaitMs(ask) + ASK_ROOM_MS);
    const every = formatDuration(watch);
    throw refusal(`--watch: '${every}' is shorter than --ask may take here, which is ${takes}`);
  }
}

function firstGiven(flags: Readonly<Record<string, boolean>>): string | undefined {
  return Object.keys(flags).find((flag) => flags[flag]);
}

function countsDescriptors({ failOn }: LsFlags): boolean {
  return failOn?.some(({ kind }) => kind === 'descriptors') === true;
}

/** What --ask puts back comes before anything is read. */
function readsAhead({ ask, netns, from }: LsFlags): boolean {
  return ask === undefined && netns === undefined && from === undefined;
}

const SHORTEST_WATCH_MS = 500;

/** @throws TcpaliveError BAD_USAGE */
function parseWatch(text: string): number {
  const everyMs = /^0+(?:ms|[hms])?$/.test(text) ? 0 : parseDuration(text);
  if (everyMs >= SHORTEST_WATCH_MS) return everyMs;
  throw refusal(`'${text}' is too short: at least 500ms`);
}

function refusal(message: string): TcpaliveError {
  return new TcpaliveError('BAD_USAGE', message);
}
