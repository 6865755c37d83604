/** The ladder: SIGTERM with SIGCONT, time to end, SIGKILL, and a look whether anybody is left. */
import { setTimeout as pause } from 'node:timers/promises';
import { addMs } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { HeldProcess } from '../kernel/process-view.js';
import type { Stopped, StopOptions, Survivor } from './child.js';
import type { Living } from './descent.js';

/** One process of those to end, as it was when somebody looked. */
export interface Member {
  readonly pid: number;
  readonly name: string;
  readonly groupId: number;
  readonly startedAtTicks: number;
}

/** A process group by its leader, which may have ended: its members are still meant. */
interface HeldGroup {
  readonly id: number;
  readonly leader: HeldProcess;
}

export interface Ending extends Pick<StopOptions, 'stopTimeoutMs' | 'extendedTo'> {
  /** All that are to end and have not. Asked again until there is nobody. */
  look(): Living<Member>;
  /** Reached at one stroke, also while it forks. */
  readonly group?: HeldGroup | undefined;
}

export type Ended = Pick<Stopped, 'by' | 'named'>;

/** From SIGKILL on: only what waits in the kernel itself, such as for a disk, takes longer. */
const KILL_PATIENCE_MS = 5000;

/** Of pidfds, a microsecond each; no event tells of a process that is nobody's child here. */
const WATCH_EVERY_MS = 10;

/** Half a second: where strangers' processes end all the time, none is ever sure. */
const MOST_LOOKS = 50;

/** Looks again and again. */
export async function untilHolds(condition: () => boolean): Promise<void> {
  while (!condition()) await pause(WATCH_EVERY_MS);
}

/** Never rejects for what a process does. */
export async function endAll(kernel: Kernel, ending: Ending): Promise<Ended> {
  const held = new Holding(kernel);
  try {
    if (!held.take(await lookWell(ending))) return { by: 'already', named: [] };
    for (const { by, signals, patienceMs } of ladder(ending.stopTimeoutMs)) {
      const due = addMs(monotonicNow(), patienceMs);
      const isOver = () => {
        const extended = by === 'TERM' ? ending.extendedTo?.() : undefined;
        return monotonicNow() >= (extended !== undefined && extended > due ? extended : due);
      };
      held.startAnew();
      do {
        held.signal(signals, ending.group);
        await held.end(isOver);
        // Whoever was started meanwhile.
      } while (held.take(await lookWell(ending)) && !isOver());
      if (held.isEmpty) return { by, named: [] };
    }
    return { by: 'KILL', named: held.names() };
  } finally {
    held.release();
  }
}

/**
 * What is about to run another program has no environment for a moment, and may be overlooked (execve(2)): nobody is
 * there when two looks found nobody, and the last of them is sure.
 */
async function lookWell(ending: Ending): Promise<readonly Member[]> {
  for (let looks = 1; ; looks++) {
    const { found, isSure } = ending.look();
    if (found.length > 0 || (isSure && looks >= 2) || looks === MOST_LOOKS) return found;
    await pause(WATCH_EVERY_MS);
  }
}

function ladder(stopTimeoutMs: number) {
  return [
    // What is stopped cannot hear SIGTERM.
    { by: 'TERM', signals: ['SIGTERM', 'SIGCONT'], patienceMs: stopTimeoutMs },
    { by: 'KILL', signals: ['SIGKILL'], patienceMs: KILL_PATIENCE_MS },
  ] as const;
}

interface Held extends Member {
  readonly process: HeldProcess;
}

/** Those who were found, each held by a descriptor: a number that is given away is nobody's here. */
class Holding {
  readonly #kernel: Kernel;
  #held: readonly Held[] = [];
  /** By number and start. */
  #signalled = new Set<string>();
  #isGroupSignalled = false;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  get isEmpty(): boolean {
    return this.#held.length === 0;
  }

  /** Those instead of the ones before. @returns whether there is anybody */
  take(members: readonly Member[]): boolean {
    const before = this.#held;
    this.#held = members.flatMap((member) => {
      const same = before.find(({ pid, startedAtTicks }) => {
        return pid === member.pid && startedAtTicks === member.startedAtTicks;
      });
      return same ?? this.#hold(member) ?? [];
    });
    for (const each of before) if (!this.#held.includes(each)) each.process.release();
    return !this.isEmpty;
  }

  /** The next rung, for all. */
  startAnew(): void {
    this.#signalled = new Set();
    this.#isGroupSignalled = false;
  }

  /** Once for each: many a program takes a second SIGTERM for impatience. */
  signal(signals: readonly NodeJS.Signals[], group: HeldGroup | undefined): void {
    const isNew = this.#held.filter((each) => !this.#signalled.has(nameOf(each)));
    const reached = this.#isGroupSignalled ? undefined : this.#signalGroup(signals, group);
    for (const each of isNew) {
      this.#signalled.add(nameOf(each));
      // It may have left the group just before.
      if (each.groupId === reached && this.#kernel.kinOf(each.pid)?.groupId === reached) continue;
      for (const signal of signals) send(() => each.process.signal(signal));
    }
  }

  end(isOver: () => boolean): Promise<void> {
    return untilHolds(() => this.#held.every(({ process }) => process.hasEnded()) || isOver());
  }

  names(): readonly Survivor[] {
    return this.#held.map(({ pid, name }) => ({ pid, name }));
  }

  release(): void {
    for (const { process } of this.#held) process.release();
    this.#held = [];
  }

  /** The group that was reached. */
  #signalGroup(
    signals: readonly NodeJS.Signals[],
    group: HeldGroup | undefined,
  ): number | undefined {
    this.#isGroupSignalled = true;
    if (group === undefined) return undefined;
    const areSent = signals.map((signal) => send(() => group.leader.signalGroup(signal)));
    return areSent.every(Boolean) ? group.id : undefined;
  }

  #hold(member: Member): Held | undefined {
    const process = this.#kernel.holdProcess(member.pid);
    if (process === undefined) return undefined;
    // Held first and looked at then: it is the one that was seen, or its number has a new owner.
    const kin = this.#kernel.kinOf(member.pid);
    if (kin?.startedAtTicks === member.startedAtTicks && !process.hasEnded()) {
      return { ...member, process };
    }
    process.release();
    return undefined;
  }
}

/** False: it is gone, or not ours to signal, such as what has changed its user. It is named in the end. */
function send(signal: () => boolean): boolean {
  try {
    return signal();
  } catch (error) {
    if (error instanceof KernelRefusal) return false;
    throw error;
  }
}

function nameOf({ pid, startedAtTicks }: Member): string {
  return `${pid} ${startedAtTicks}`;
}
