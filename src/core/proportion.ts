/** A share that was counted, and between which bounds the true one lies. */
export interface Proportion {
  readonly value: number;
  /** The 95 % interval of Wilson (1927): honest for few trials and near 0 and 1. */
  readonly low: number;
  readonly high: number;
}

/** Of the standard normal distribution, 97.5 %. */
const Z = 1.959964;

/** @param trials at least 1 */
export function proportion(successes: number, trials: number): Proportion {
  const value = successes / trials;
  const weight = 1 + Z ** 2 / trials;
  const centre = (value + Z ** 2 / (2 * trials)) / weight;
  const half =
    (Z * Math.sqrt((value * (1 - value)) / trials + Z ** 2 / (4 * trials ** 2))) / weight;
  return {
    value,
    low: successes === 0 ? 0 : Math.max(0, centre - half),
    high: successes === trials ? 1 : Math.min(1, centre + half),
  };
}
