/** Who descends from whom, at one look at all processes. */
import { groupBy } from '../core/group-by.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Kin } from '../kernel/process-view.js';

export interface Process extends Kin {
  readonly pid: number;
}

/** Those that `isTop` picks, and all below them; without those that only wait to be reaped. */
export function livingBelow(
  kernel: Kernel,
  isTop: (process: Process) => boolean,
): readonly Process[] {
  const everybody = kernel.processIds().flatMap((pid) => {
    const kin = kernel.kinOf(pid);
    return kin === undefined ? [] : [{ pid, ...kin }];
  });
  const children = groupBy(everybody, ({ parentPid }) => parentPid);
  const found = new Set(everybody.filter(isTop));
  // It grows while it is walked through: theirs come behind them.
  for (const { pid } of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found].filter(({ hasEnded }) => !hasEnded);
}
