/** Latency is a distribution. All figures in milliseconds, rounded to the microsecond. */
export interface Distribution {
  readonly min: number;
  readonly median: number;
  readonly p95: number;
  readonly max: number;
  /** Every sample, ascending. */
  readonly samples: readonly number[];
}

/** Undefined for no samples: there is no latency of nothing. */
export function distribution(samplesMs: readonly number[]): Distribution | undefined {
  const samples = samplesMs.map(roundMs).sort((a, b) => a - b);
  const [min] = samples;
  const max = samples.at(-1);
  if (min === undefined || max === undefined) return undefined;
  return { min, median: quantile(samples, 0.5), p95: quantile(samples, 0.95), max, samples };
}

export function roundMs(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}

/** Nearest rank: always a value that was measured. */
function quantile(ascending: readonly number[], q: number): number {
  return ascending[Math.max(0, Math.ceil(q * ascending.length) - 1)] ?? Number.NaN;
}
