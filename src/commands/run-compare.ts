/** `compare`, measuring: the lab, its progress, its report and what came of the expectations. */
import { checkExpectation } from '../core/expect.js';
import type { ComparisonResult } from '../core/result.js';
import type { RowSpec } from '../core/row.js';
import type { Scenario } from '../core/scenario.js';
import type { ScenarioResult } from '../core/scenario-result.js';
import { TcpaliveError } from '../errors.js';
import { compare, playScenario, type LabOptions } from '../lab/compare.js';
import { reportComparison } from '../report/comparison.js';
import { reportScenario } from '../report/scenario.js';
import type { CompareFlags } from './compare.js';
import type { Environment } from './environment.js';
import { tellExpectations } from './expectations.js';
import { listenForInterrupt } from './interrupt.js';
import { showProgress, type Picture } from './live.js';
import { chosenFormat } from './options.js';
import { styleFor } from './style.js';

export function runComparison(
  env: Environment,
  rows: readonly RowSpec[],
  flags: CompareFlags,
): Promise<void> {
  const { connections, limit: limitMs, observer, sysctl: sysctls } = flags;
  return run(env, flags, {
    picture: 'lanes',
    measure: (lab) => compare({ ...lab, rows, connections, limitMs, observer, sysctls }),
    report: reportComparisonResult,
  });
}

export function runScenario(
  env: Environment,
  scenario: Scenario,
  flags: CompareFlags,
): Promise<void> {
  return run(env, flags, {
    picture: 'line',
    measure: (lab) => playScenario({ ...lab, scenario }),
    report: reportScenarioResult,
  });
}

interface Experiment<Result> {
  readonly picture: Picture;
  readonly measure: (lab: LabOptions) => Promise<Result>;
  /** Prints it. @returns the exit code */
  readonly report: (env: Environment, flags: CompareFlags, result: Result) => number;
}

async function run<Result>(
  env: Environment,
  flags: CompareFlags,
  { picture, measure, report }: Experiment<Result>,
): Promise<void> {
  const interrupt = listenForInterrupt(env);
  const progress = showProgress(env, flags.color, picture);
  let result: Result;
  try {
    result = await measure({
      onHost: flags.onHost ?? false,
      bin: env.bin,
      interruption: interrupt.signal,
      onEvent: (event) => progress.take(event),
    });
  } finally {
    progress.end();
    interrupt.ignore();
  }
  env.setExitCode(interrupt.exitCode(report(env, flags, result)));
}

function reportComparisonResult(
  env: Environment,
  flags: CompareFlags,
  result: ComparisonResult,
): number {
  const format = chosenFormat(flags);
  const style = styleFor(env, env.stdout, flags.color);
  env.stdout.write(reportComparison(result, { format, style, wide: flags.wide ?? false }));
  const outcomes = flags.expect.map((expectation) => checkExpectation(expectation, result.rows));
  const isAsExpected = tellExpectations(env, outcomes);
  if (result.rows.some(({ drop }) => drop?.proven === false)) {
    throw new TcpaliveError('NOT_PROVEN', 'not every drop was seen to drop: see the rows above');
  }
  return !isAsExpected || result.rows.some((row) => row.agrees === false) ? 1 : 0;
}

function reportScenarioResult(
  env: Environment,
  flags: CompareFlags,
  result: ScenarioResult,
): number {
  const format = chosenFormat(flags) === 'json' ? 'json' : 'table';
  const style = styleFor(env, env.stdout, flags.color);
  env.stdout.write(reportScenario(result, { format, style }));
  return result.rows.some((row) => row.checks.some((check) => !check.pass)) ? 1 : 0;
}
