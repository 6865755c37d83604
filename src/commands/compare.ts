import { Command } from 'commander';
import {
  parseFaults,
  parseLoads,
  parseObserver,
  type Fault,
  type Load,
  type Observer,
} from '../core/condition.js';
import { checkExpectation, parseExpectation, type Expectation } from '../core/expect.js';
import { parseModes, type Mode } from '../core/mode.js';
import type { ComparisonEvent } from '../core/progress.js';
import type { ComparisonResult } from '../core/result.js';
import type { ScenarioResult } from '../core/scenario-result.js';
import { defaultRows, rowsOf } from '../core/row.js';
import { TcpaliveError } from '../errors.js';
import { compare, playScenario, type LabOptions } from '../lab/compare.js';
import { interruptible } from '../net/interruption.js';
import { reportComparison } from '../report/comparison.js';
import { reportScenario } from '../report/scenario.js';
import { interruptExitCode, type Environment, type InterruptSignal } from './environment.js';
import { showProgress } from './live.js';
import {
  argument,
  chosenFormat,
  colorOption,
  formatOption,
  jsonOption,
  parseDurationArgument,
  repeatable,
  wholeNumber,
  type FormatOptions,
} from './options.js';
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
  readonly wide?: boolean;
  readonly onHost?: boolean;
  readonly color: ColorChoice;
}

const DEFAULT_MODES =
  'none,keepalive=1s:1s:3,user-timeout=3s,keepalive=1s:1s:3+user-timeout=3s,heartbeat=1s:3s,idle-timeout=3s';

export function compareCommand(env: Environment): Command {
  return new Command('compare')
    .description('cut real connections and compare how long each detection mode takes to notice')
    .option('--modes <list>', 'modes, comma-separated', argument(parseModes))
    .option('--loads <list>', 'idle, write', argument(parseLoads))
    .option('--faults <list>', 'blackhole, freeze, close, reset', argument(parseFaults))
    .option(
      '--connections <n>',
      'connections in each row, and as many healthy twins',
      wholeNumber(1, 200),
      20,
    )
    .option('--limit <time>', 'the longest that a row is waited for', parseDurationArgument, 15_000)
    .option(
      '--observer <end>',
      'the end that must notice: server or client',
      argument(parseObserver),
      'server',
    )
    .option('--scenario <file>', 'play a scenario at both ends instead')
    .option(
      '--expect <expr>',
      "a condition, such as 'heartbeat worst<3.2s'; repeatable",
      repeatable(parseExpectation),
      [],
    )
    .option('--wide', 'more columns')
    .option('--on-host', "on this host's loopback, without a private network namespace")
    .addOption(formatOption())
    .addOption(jsonOption())
    .addOption(colorOption())
    .addHelpText('after', HELP)
    .action((options: Options) => run(env, options));
}

const HELP = `
Without --modes, --loads and --faults it runs a set of lab-sized rows that takes about 17 seconds.

Examples:
  tcpalive compare --modes none,keepalive=5s:1s:3,heartbeat=500ms:2s --loads idle
  tcpalive compare --faults freeze                  the peer's process hangs, its kernel answers
  tcpalive compare --scenario fixtures/scenarios/five-times-over.yaml
  tcpalive compare --json --expect 'heartbeat worst<3.2s' --expect 'none noticed=0'
`;

async function run(env: Environment, options: Options): Promise<void> {
  const { scenario: file } = options;
  // Everything is read and checked before anything is started.
  const scenario = file === undefined ? undefined : await readScenario(file);
  if (scenario !== undefined) refuseBesideScenario(options);
  const interruption = interruptible();
  let signal: InterruptSignal | undefined;
  const unlisten = env.onInterrupt((received) => {
    signal = received;
    interruption.interrupt();
  });
  const progress = showProgress(env, options.color, scenario === undefined ? 'lanes' : 'line');
  const lab: LabOptions = { onHost: options.onHost ?? false, bin: env.bin, interruption };
  const onEvent = (event: ComparisonEvent) => progress.take(event);
  let finish: () => number;
  try {
    if (scenario === undefined) {
      const result = await compare({
        ...lab,
        onEvent,
        rows: chosenRows(options),
        connections: options.connections,
        limitMs: options.limit,
        observer: options.observer,
      });
      finish = () => reportComparisonResult(env, options, result);
    } else {
      const result = await playScenario({ ...lab, onEvent, scenario });
      finish = () => reportScenarioResult(env, options, result);
    }
  } finally {
    progress.end();
    unlisten();
  }
  const code = finish();
  env.setExitCode(signal === undefined ? code : interruptExitCode[signal]);
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
  const failed = outcomes.some((outcome) => !outcome.pass);
  return failed || result.rows.some((row) => row.agrees === false) ? 1 : 0;
}

function reportScenarioResult(env: Environment, options: Options, result: ScenarioResult): number {
  const format = chosenFormat(options) === 'json' ? 'json' : 'table';
  const style = styleFor(env, env.stdout, options.color);
  env.stdout.write(reportScenario(result, { format, style }));
  return result.rows.some((row) => row.checks.some((check) => !check.pass)) ? 1 : 0;
}

/** A scenario says for itself what is done, to how many, and what must come of it. */
function refuseBesideScenario(options: Options): void {
  const { modes, loads, faults, expect } = options;
  const given = [
    ...(modes === undefined ? [] : ['--modes']),
    ...(loads === undefined ? [] : ['--loads']),
    ...(faults === undefined ? [] : ['--faults']),
    ...(expect.length === 0 ? [] : ['--expect']),
  ];
  const format = chosenFormat(options);
  if (format !== 'table' && format !== 'json') given.push(`--format ${format}`);
  if (given.length === 0) return;
  throw new TcpaliveError('BAD_USAGE', `--scenario cannot be combined with ${given.join(', ')}`);
}

function chosenRows({ modes, loads, faults }: Options): ReturnType<typeof defaultRows> {
  if (modes === undefined && loads === undefined && faults === undefined) return defaultRows();
  return rowsOf(
    modes ?? parseModes(DEFAULT_MODES),
    loads ?? ['idle', 'write'],
    faults ?? ['blackhole'],
  );
}
