/** What the model says of a row without measuring it: `compare --predict-only`, `tcpalive/predict/1`. */
import type { Fault, Load, Observer } from './condition.js';
import { formatMode } from './mode.js';
import type { Schedule } from './contender.js';
import { contendersOf, decisive, predict, type Prediction } from './predict.js';
import type { HostFacts } from './result.js';
import { busyMs, observerOf, type RowSpec } from './row.js';
import { packetsPerHour, toleratedOutage, type Tolerance } from './tolerance.js';

export interface Forecast {
  readonly schema: 'tcpalive/predict/1';
  readonly host: HostFacts;
  readonly rows: readonly ForecastRow[];
}

export interface ForecastRow {
  readonly mode: string;
  readonly load: Load;
  readonly fault: Fault;
  readonly observer: Observer;
  readonly predicted: Prediction;
  /** Of the mode and the load: what an outage may last, whatever the row's own fault is. */
  readonly toleratedOutage: Tolerance;
  /** While idle and healthy, both directions. */
  readonly packetsPerHour: number;
  /** Of what decides; null: nothing ever does. */
  readonly schedule: Schedule | null;
}

export function forecast(rows: readonly RowSpec[], observer: Observer, host: HostFacts): Forecast {
  return {
    schema: 'tcpalive/predict/1',
    host,
    rows: rows.map((row) => forecastRow(row, observer, host)),
  };
}

function forecastRow(
  { mode, load, fault }: RowSpec,
  asked: Observer,
  { sysctl: sysctls, hz }: HostFacts,
): ForecastRow {
  const observer = observerOf({ load }, asked);
  const frameEveryMs = busyMs(mode);
  const situation = { mode, load, fault, observer, frameEveryMs, sysctls, hz: hz ?? undefined };
  return {
    mode: formatMode(mode),
    load,
    fault,
    observer,
    predicted: predict(situation),
    toleratedOutage: toleratedOutage(situation),
    packetsPerHour: packetsPerHour(situation),
    schedule: decisive(contendersOf(situation))?.schedule ?? null,
  };
}
