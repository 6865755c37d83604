/** `compare --predict-only` and `--stacks`: no process, no socket, nothing tried. */
import type { Observer } from '../core/condition.js';
import { forecast } from '../core/forecast.js';
import type { RowSpec } from '../core/row.js';
import { forecastStacks } from '../core/stacks.js';
import { withSettings, type SysctlSetting } from '../core/sysctl.js';
import { TcpaliveError } from '../errors.js';
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

/** @throws TcpaliveError BAD_USAGE for a format that it does not have */
export function printForecast(env: Environment, options: ForecastOptions): void {
  const { host, ...layout } = forecastSetting(env, options, '--predict-only');
  const result = forecast(options.rows, options.observer, host);
  env.stdout.write(reportForecast(result, layout));
}

/** @throws TcpaliveError BAD_USAGE for a format that it does not have */
export function printStacks(env: Environment, options: Omit<ForecastOptions, 'rows'>): void {
  const { host, ...layout } = forecastSetting(env, options, '--stacks');
  env.stdout.write(reportStacks(forecastStacks(host), layout));
}

function forecastSetting(env: Environment, options: Omit<ForecastOptions, 'rows'>, flag: string) {
  const format = chosenFormat(options);
  if (format !== 'table' && format !== 'json') {
    throw new TcpaliveError('BAD_USAGE', `${flag} has no --format ${format}: table or json`);
  }
  const facts = hostFactsFromFiles();
  const host = { ...facts, sysctl: withSettings(facts.sysctl, options.sysctl) };
  return {
    host,
    format,
    explain: options.explain ?? false,
    width: env.stdout.columns ?? DEFAULT_WIDTH,
  };
}
