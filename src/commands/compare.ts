import { readFile } from 'node:fs/promises';
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
import type { ComparisonResult } from '../core/result.js';
import { defaultRows, rowsOf } from '../core/row.js';
import { TcpaliveError } from '../errors.js';
import { compare } from '../lab/compare.js';
import { interruptible } from '../net/interruption.js';
import { reportComparison } from '../report/comparison.js';
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
  const interruption = interruptible();
  let signal: InterruptSignal | undefined;
  const unlisten = env.onInterrupt((received) => {
    signal = received;
    interruption.interrupt();
  });
  const progress = showProgress(env, options.color);
  let result: ComparisonResult;
  try {
    result = await compare({
      rows: chosenRows(options),
      connections: options.connections,
      limitMs: options.limit,
      observer: options.observer,
      onHost: options.onHost ?? false,
      onEvent: (event) => progress.take(event),
      bin: env.bin,
      interruption,
    });
  } finally {
    progress.end();
    unlisten();
  }
  const format = chosenFormat(options);
  const style = styleFor(env, env.stdout, options.color);
  env.stdout.write(reportComparison(result, { format, style, wide: options.wide ?? false }));
  const outcomes = options.expect.map((expectation) => checkExpectation(expectation, result.rows));
  for (const { text, pass, got } of outcomes) {
    env.stderr.write(`${pass ? 'pass' : 'FAIL'}  ${text}  (got ${got})\n`);
  }
  const failed = outcomes.some((outcome) => !outcome.pass);
  const disagrees = result.rows.some((row) => row.agrees === false);
  if (signal !== undefined) env.setExitCode(interruptExitCode[signal]);
  else if (failed || disagrees) env.setExitCode(1);
}

function chosenRows({ modes, loads, faults }: Options): ReturnType<typeof defaultRows> {
  if (modes === undefined && loads === undefined && faults === undefined) return defaultRows();
  return rowsOf(
    modes ?? parseModes(DEFAULT_MODES),
    loads ?? ['idle', 'write'],
    faults ?? ['blackhole'],
  );
}
