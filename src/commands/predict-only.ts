/** `compare --predict-only` and `--stacks`: no process, no socket, nothing tried. */
import type { Observer } from '../core/condition.js';
import { forecast } from '../core/forecast.js';
import type { RowSpec } from '../core/row.js';
import { forecastStacks } from '../core/stacks.js';
import { withSettings, type SysctlSetting } from '../core/sysctl.js';
import { hostFactsFromFiles } from '../kernel/host-facts.js';
import { reportForecast } from '../report/forecast.js';
import { reportStacks } from '../report/stacks.js';
import type { Environment } from './environment.js';
import { chosenFormat, type FormatOptions } from './options.js';

const DEFAULT_WIDTH = 100;

export interface ForecastOptions extends FormatOptions {
  readonly rows: readonly RowSpec[];
  readonly observer: Observer;
  readonly sysctl: readonly SysctlSetting[];
  readonly explain?: boolean;
}

export function printForecast(env: Environment, options: ForecastOptions): void {
  const { host, ...layout } = forecastSetting(env, options);
  const result = forecast(options.rows, options.observer, host);
  env.stdout.write(reportForecast(result, layout));
}

export function printStacks(env: Environment, options: Omit<ForecastOptions, 'rows'>): void {
  const { host, ...layout } = forecastSetting(env, options);
  env.stdout.write(reportStacks(forecastStacks(host), layout));
}

function forecastSetting(env: Environment, options: Omit<ForecastOptions, 'rows'>) {
  // TCPALIVE_FORMAT may ask for what only a comparison has.
  const format = chosenFormat(options) === 'json' ? ('json' as const) : ('table' as const);
  const facts = hostFactsFromFiles();
  const host = { ...facts, sysctl: withSettings(facts.sysctl, options.sysctl) };
  return {
    host,
    format,
    explain: options.explain ?? false,
    width: env.stdout.columns ?? DEFAULT_WIDTH,
  };
}
