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
import {
  checkExpectation,
  parseExpectation,
  selectsRow,
  type Expectation,
} from '../core/expect.js';
import { formatMode, parseModes, type Mode } from '../core/mode.js';
import type { ComparisonEvent } from '../core/progress.js';
import type { ComparisonResult } from '../core/result.js';
import { parseSysctl, type SysctlSetting } from '../core/sysctl.js';
import type { ScenarioResult } from '../core/scenario-result.js';
import { defaultModes, defaultRows, impossible, rowsOf, type RowSpec } from '../core/row.js';
import { TcpaliveError } from '../errors.js';
import { compare, playScenario, type LabOptions } from '../lab/compare.js';
import { reportComparison } from '../report/comparison.js';
import { reportScenario } from '../report/scenario.js';
import type { Environment } from './environment.js';
import { listenForInterrupt } from './interrupt.js';
import { showProgress } from './live.js';
import {
  chosenFormat,
  colorOption,
  formatOption,
  jsonOption,
  repeatable,
  wholeNumber,
  type FormatOptions,
} from './options.js';
import { printForecast, printStacks } from './predict-only.js';
import { readScenario } from './scenario-file.js';
import { styleFor, type ColorChoice } from './style.js';

interface Options extends FormatOptions {
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
    .action((options: Options, command: Command) => {
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

async function run(env: Environment, options: Options): Promise<void> {
  const { scenario: file } = options;
  // Everything is read and checked before anything is started.
  const scenario = file === undefined ? undefined : await readScenario(file);
  const rows = chosenRows(options);
  for (const expectation of options.expect) refuseUnmatched(expectation, rows);
  if (options.stacks === true) {
    printStacks(env, options);
    return;
  }
  if (options.predictOnly === true) {
    printForecast(env, { ...options, rows });
    return;
  }
  if (scenario === undefined) refuseUnhealed(rows, options.limit);
  const interrupt = listenForInterrupt(env);
  const progress = showProgress(env, options.color, scenario === undefined ? 'lanes' : 'line');
  const lab: LabOptions = {
    onHost: options.onHost ?? false,
    bin: env.bin,
    interruption: interrupt.signal,
  };
  const onEvent = (event: ComparisonEvent) => progress.take(event);
  let finish: () => number;
  try {
    if (scenario === undefined) {
      const result = await compare({
        ...lab,
        onEvent,
        rows,
        connections: options.connections,
        limitMs: options.limit,
        observer: options.observer,
        sysctls: options.sysctl,
      });
      finish = () => reportComparisonResult(env, options, result);
    } else {
      const result = await playScenario({ ...lab, onEvent, scenario });
      finish = () => reportScenarioResult(env, options, result);
    }
  } finally {
    progress.end();
    interrupt.ignore();
  }
  env.setExitCode(interrupt.exitCode(finish()));
}

function reportComparisonResult(
  env: Environment,
  options: Options,
  result: ComparisonResult,
): number {
  const format = chosenFormat(options);
  const style = styleFor(env, env.stdout, options.color);
  env.stdout.write(reportComparison(result, { format, style, wide: options.wide ?? false }));
  const outcomes = options.expect.map((expectation) => checkExpectation(expectation, result.rows));
  for (const { text, pass, got } of outcomes) {
    env.stderr.write(`${pass ? 'pass' : 'FAIL'}  ${text}  (got ${got})\n`);
  }
  if (result.rows.some(({ drop }) => drop?.proven === false)) {
    throw new TcpaliveError('NOT_PROVEN', 'not every drop was seen to drop: see the rows above');
  }
  const failed = outcomes.some((outcome) => !outcome.pass);
  return failed || result.rows.some((row) => row.agrees === false) ? 1 : 0;
}

function reportScenarioResult(env: Environment, options: Options, result: ScenarioResult): number {
  const format = chosenFormat(options) === 'json' ? 'json' : 'table';
  const style = styleFor(env, env.stdout, options.color);
  env.stdout.write(reportScenario(result, { format, style }));
  return result.rows.some((row) => row.checks.some((check) => !check.pass)) ? 1 : 0;
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
  const given = command.options
    .filter((option) => command.getOptionValueSource(option.attributeName()) === 'cli')
    .map(({ long }) => long ?? '');
  const instead = Object.keys(INSTEAD).find((flag) => given.includes(flag));
  if (instead === undefined) {
    if (!given.includes('--explain')) return;
    throw new TcpaliveError('BAD_USAGE', '--explain goes with --predict-only or --stacks');
  }
  const allowed = [instead, ...(INSTEAD[instead] ?? []), ...ANYWHERE];
  const idle = given.filter((flag) => !allowed.includes(flag));
  if (idle.length > 0) {
    throw new TcpaliveError('BAD_USAGE', `${instead} cannot be combined with ${idle.join(', ')}`);
  }
  const { format } = command.opts<Options>();
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
function chosenRows({ modes, loads, faults }: Options): readonly RowSpec[] {
  if (modes === undefined && loads === undefined && faults === undefined) return defaultRows();
  const rows = rowsOf(modes ?? defaultModes(), loads ?? ['idle', 'write'], faults ?? ['blackhole']);
  const [reason] = rows.flatMap((row) => impossible(row) ?? []);
  if (reason === undefined) return rows;
  if (modes !== undefined) throw new TcpaliveError('BAD_USAGE', reason);
  return rows.filter((row) => impossible(row) === undefined);
}
