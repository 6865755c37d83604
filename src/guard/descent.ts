/** Who descends from whom, at one look at all processes. */
import { groupBy } from '../core/group-by.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Kin } from '../kernel/process-view.js';

export interface Process extends Kin {
  readonly pid: number;
}

export interface Living<Found = Process> {
  readonly found: readonly Found[];
  /** Nobody ended meanwhile who may have left a child behind that is not in the list of processes yet. */
  readonly isSure: boolean;
}

/** Those that `isTop` picks, and all below them; without those that only wait to be reaped. */
export function livingBelow(kernel: Kernel, isTop: (process: Process) => boolean): Living {
  const pids = kernel.processIds();
  const everybody = pids.flatMap((pid) => {
    const kin = kernel.kinOf(pid);
    return kin === undefined ? [] : [{ pid, ...kin }];
  });
  const children = groupBy(everybody, ({ parentPid }) => parentPid);
  const found = new Set(everybody.filter(isTop));
  // It grows while it is walked through: theirs come behind them.
  for (const { pid } of found) for (const child of children.get(pid) ?? []) found.add(child);
  const living = [...found].filter(({ hasEnded }) => !hasEnded);
  const isStill = ({ pid, startedAtTicks }: Process) =>
    kernel.kinOf(pid)?.startedAtTicks === startedAtTicks;
  const isSure =
    everybody.length === pids.length &&
    living.length === found.size &&
    (living.length > 0 || everybody.every(isStill));
  return { found: living, isSure };
}
