/**
 * When peers that vanish lock everybody out: each keeps its place until it is noticed, so that at a steady
 * rate that many places are taken as vanish in that time (Little's law, L = λ·W).
 */
import type { Mode } from './mode.js';
import { predict } from './predict.js';
import type { Sysctls } from './sysctl.js';
import type { Hz } from './timer-wheel.js';

export interface LockOut {
  /** How long one that vanished while idle keeps its place at most; null: for ever, or nobody knows. */
  readonly keptMs: number | null;
  /** When more than that many vanish a second no place is left; 0: sooner or later, however few do. */
  readonly perSecond: number;
}

export function lockOut(
  mode: Mode,
  maxConnections: number,
  host: { readonly sysctls: Sysctls; readonly hz: Hz },
): LockOut {
  const idle = { mode, load: 'idle', fault: 'blackhole', observer: 'server' } as const;
  const prediction = predict({ ...idle, ...host });
  if (prediction.kind !== 'interval') return { keptMs: null, perSecond: 0 };
  const keptMs = prediction.fromLastActivityMs.max;
  return { keptMs, perSecond: (maxConnections * 1000) / keptMs };
}
