import { Command, Option } from 'commander';
import { formatDuration, parseDuration } from '../core/duration.js';
import {
  faultGrammar,
  healsAfterMs,
  loadWords,
  parseFaults,
  parseLoads,
  parseObserver,
  type Fault,
  type Load,
  type Observer,
} from '../core/condition.js';
import { parseExpectation, selectsRow, type Expectation } from '../core/expect.js';
import { formatMode, parseModes, type Mode } from '../core/mode.js';
import { parseSysctl, type SysctlSetting } from '../core/sysctl.js';
import { defaultModes, defaultRows, impossible, rowsOf, type RowSpec } from '../core/row.js';
import { TcpaliveError } from '../errors.js';
import type { Environment } from './environment.js';
import {
  colorOption,
  formatOption,
  jsonOption,
  refuseBeside,
  repeatable,
  typedFlags,
  wholeNumber,
  type FormatOptions,
} from './options.js';
import { readScenario } from './scenario-file.js';
import type { ColorChoice } from './style.js';

export interface CompareFlags extends FormatOptions {
  readonly modes?: readonly Mode[];
  readonly loads?: readonly Load[];
  readonly faults?: readonly Fault[];
  readonly connections: number;
  readonly limit: number;
  readonly observer: Observer;
  readonly scenario?: string;
  readonly expect: readonly Expectation[];
  readonly sysctl: readonly SysctlSetting[];
  readonly predictOnly?: boolean;
  readonly stacks?: boolean;
  readonly explain?: boolean;
  readonly wide?: boolean;
  readonly onHost?: boolean;
  readonly color: ColorChoice;
}

const LOADS = Object.keys(loadWords).join(', ');
const FAULTS = faultGrammar.join(', ');

export function compareCommand(env: Environment): Command {
  return new Command('compare')
    .description('cut real connections and compare how long each detection mode takes to notice')
    .option('--modes <list>', 'modes, comma-separated', parseModes)
    .option('--loads <list>', `${LOADS} (default: idle,write)`, parseLoads)
    .option('--faults <list>', `${FAULTS} (default: blackhole)`, parseFaults)
    .option(
      '--connections <n>',
      'connections in each row, and as many healthy twins',
      wholeNumber(1, 200),
      20,
    )
    .addOption(
      new Option('--limit <time>', 'the longest that a row is waited for')
        .default(15_000, '15s')
        .argParser(parseDuration),
    )
    .option(
      '--observer <end>',
      'the end that must notice: server or client',
      parseObserver,
      'server',
    )
    .option('--scenario <file>', 'play a scenario at both ends instead; table or json')
    .addOption(
      new Option('--expect <expr>', "a condition, such as 'heartbeat worst<3.2s'; repeatable")
        .default([], 'none')
        .argParser(repeatable(parseExpectation)),
    )
    .addOption(
      new Option('--sysctl <name=number>', 'with another kernel setting; repeatable')
        .default([], "the host's own")
        .argParser(repeatable(parseSysctl)),
    )
    .option('--predict-only', "the model's table: nothing is started, no socket opened")
    .option('--stacks', 'what untuned Linux, Go, Redis, nginx, gRPC, ... would do; predicted')
    .option('--explain', 'with --predict-only or --stacks: why, when, and where from')
    .option('--wide', 'more columns')
    .option('--on-host', "on this host's loopback, without a private network namespace")
    .addOption(formatOption())
    .addOption(jsonOption())
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action((options: CompareFlags, command: Command) => {
      refuseIdleFlags(command);
      return run(env, options);
    });
}

const HELP = `
Without --modes, --loads and --faults it runs a set of lab-sized rows that takes about 17 seconds.

Examples:
  tcpalive compare --modes none,keepalive=5s:1s:3,heartbeat=500ms:2s --loads idle
  tcpalive compare --faults freeze                  the peer's process hangs, its kernel answers
  tcpalive compare --scenario fixtures/scenarios/five-times-over.yaml
  tcpalive compare --predict-only --explain --modes keepalive=2h:75s:9,user-timeout=30s --loads idle,write,zero-window
  tcpalive compare --json --expect 'heartbeat worst<3.2s' --expect 'none noticed=0'
`;

async function run(env: Environment, options: CompareFlags): Promise<void> {
  const { scenario: file, stacks, predictOnly } = options;
  // Everything is read and checked before anything is started.
  const scenario = file === undefined ? undefined : await readScenario(file);
  const rows = chosenRows(options);
  for (const expectation of options.expect) refuseUnmatched(expectation, rows);
  if (stacks === true || predictOnly === true) {
    const { printForecast, printStacks } = await import('./run-forecast.js');
    if (stacks === true) printStacks(env, options);
    else printForecast(env, rows, options);
    return;
  }
  const { runComparison, runScenario } = await import('./run-compare.js');
  if (scenario !== undefined) return runScenario(env, scenario, options);
  refuseUnhealed(rows, options.limit);
  return runComparison(env, rows, options);
}

/** What each of these does instead of a comparison, and the flags that still mean something then. */
const INSTEAD: Readonly<Record<string, readonly string[]>> = {
  '--scenario': ['--on-host'],
  '--stacks': ['--sysctl', '--explain'],
  '--predict-only': ['--modes', '--loads', '--faults', '--observer', '--sysctl', '--explain'],
};

const ANYWHERE = ['--format', '--json', '--color'];

/** Flags that would do nothing. */
function refuseIdleFlags(command: Command): void {
  const given = typedFlags(command);
  const instead = Object.keys(INSTEAD).find((flag) => given.includes(flag));
  if (instead === undefined) {
    if (!given.includes('--explain')) return;
    throw new TcpaliveError('BAD_USAGE', '--explain goes with --predict-only or --stacks');
  }
  refuseBeside(instead, given, [...(INSTEAD[instead] ?? []), ...ANYWHERE]);
  const { format } = command.opts<CompareFlags>();
  if (given.includes('--format') && !['table', 'json'].includes(format)) {
    throw new TcpaliveError('BAD_USAGE', `${instead} has no --format ${format}: table or json`);
  }
}

/** What is to heal must do so while it is watched. */
function refuseUnhealed(rows: readonly RowSpec[], limitMs: number): void {
  const late = rows.find(({ fault }) => (healsAfterMs(fault) ?? 0) >= limitMs);
  if (late === undefined) return;
  throw new TcpaliveError(
    'BAD_USAGE',
    `${late.fault} is not over within --limit ${formatDuration(limitMs)}: raise the limit`,
  );
}

/** A condition on no row can never hold: better said before the run than after it. */
function refuseUnmatched(expectation: Expectation, rows: readonly RowSpec[]): void {
  if (rows.some((row) => selectsRow(expectation, { ...row, mode: formatMode(row.mode) }))) return;
  throw new TcpaliveError('BAD_USAGE', `--expect '${expectation.text}': no row matches`);
}

/** @throws TcpaliveError BAD_USAGE for a combination that was asked for and cannot be */
function chosenRows({ modes, loads, faults }: CompareFlags): readonly RowSpec[] {
  if (modes === undefined && loads === undefined && faults === undefined) return defaultRows();
  const rows = rowsOf(modes ?? defaultModes(), loads ?? ['idle', 'write'], faults ?? ['blackhole']);
  const [reason] = rows.flatMap((row) => impossible(row) ?? []);
  if (reason === undefined) return rows;
  if (modes !== undefined) throw new TcpaliveError('BAD_USAGE', reason);
  return rows.filter((row) => impossible(row) === undefined);
}
