/** Of several vanished connections one answer: what they agree on, and how far they differ. */
import { distribution } from '../core/distribution.js';
import type { Estimate, Inference } from '../core/vanish-inference.js';

type Told = Omit<Inference, 'next'>;

export function consensus(inferences: readonly Inference[]): Told {
  const [first] = inferences;
  if (first === undefined) throw new RangeError('nobody vanished');
  const kinds = [...new Set(inferences.map(({ mechanism }) => mechanism))];
  const agrees = kinds.length === 1;
  const isNoticed = inferences.every(({ noticed }) => noticed);
  const { count } = first.inferred;
  return {
    noticed: isNoticed,
    noticedAfterMs: joint(inferences.map(({ noticedAfterMs }) => noticedAfterMs)),
    how: isNoticed ? (common(inferences.map(({ how }) => how)) ?? 'unknown') : null,
    mechanism: agrees ? first.mechanism : 'ambiguous',
    candidates: agrees
      ? first.candidates
      : [...new Set(inferences.flatMap(({ mechanism, candidates }) => [mechanism, ...candidates]))],
    evidence: agrees
      ? first.evidence
      : `the connections differ: ${inferences.map(({ mechanism }) => mechanism).join(', ')}`,
    inferred: {
      settings: [...new Set(inferences.flatMap(({ inferred }) => inferred.settings))],
      idleMs: joint(inferences.map(({ inferred }) => inferred.idleMs)),
      intervalMs: joint(inferences.map(({ inferred }) => inferred.intervalMs)),
      count: inferences.every(({ inferred }) => inferred.count === count) ? count : null,
    },
    quiet: first.quiet,
  };
}

/** The median, and all that any of them allows; null when one of them is missing. */
function joint(estimates: readonly (Estimate | null)[]): Estimate | null {
  const known = estimates.filter((each) => each !== null);
  const median = distribution(known.map(({ ms }) => ms))?.median;
  if (median === undefined || known.length < estimates.length) return null;
  return {
    ms: median,
    min: Math.min(...known.map(({ min }) => min)),
    max: Math.max(...known.map(({ max }) => max)),
  };
}

function common<T>(values: readonly T[]): T | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}
