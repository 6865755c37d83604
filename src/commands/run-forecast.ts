/** `compare --predict-only` and `--stacks`: no process, no socket, nothing tried. */
import { forecast } from '../core/forecast.js';
import type { RowSpec } from '../core/row.js';
import { forecastStacks } from '../core/stacks.js';
import { withSettings } from '../core/sysctl.js';
import { hostFactsFromFiles } from '../kernel/host-facts.js';
import { reportForecast } from '../report/forecast.js';
import { reportStacks } from '../report/stacks.js';
import type { CompareFlags } from './compare.js';
import type { Environment } from './environment.js';
import { chosenFormat } from './options.js';
import { styleFor } from './style.js';

export function printForecast(
  env: Environment,
  rows: readonly RowSpec[],
  flags: CompareFlags,
): void {
  const result = forecast(rows, flags.observer, hostWith(flags));
  env.stdout.write(reportForecast(result, layoutFor(env, flags)));
}

export function printStacks(env: Environment, flags: CompareFlags): void {
  env.stdout.write(reportStacks(forecastStacks(hostWith(flags)), layoutFor(env, flags)));
}

function hostWith({ sysctl }: CompareFlags) {
  const facts = hostFactsFromFiles();
  return { ...facts, sysctl: withSettings(facts.sysctl, sysctl) };
}

function layoutFor(env: Environment, flags: CompareFlags) {
  // TCPALIVE_FORMAT may ask for what only a comparison has.
  const format = chosenFormat(flags) === 'json' ? ('json' as const) : ('table' as const);
  const { width } = styleFor(env, env.stdout, flags.color);
  return { format, explain: flags.explain ?? false, width };
}
