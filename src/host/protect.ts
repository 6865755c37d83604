/**
 * Keepalive, or a user timeout, for a program that runs already, on its own sockets: listeners at once, so that what
 * they accept inherits it, connections spread over a time so that not all that is dead ends at once.
 */
import { countSkipped } from '../core/protect-plan.js';
import type { ProtectEvent, ProtectResult } from '../core/protection.js';
import { isListener } from '../core/socket.js';
import { msBetween } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import { Follower } from './follower.js';
import type { ProtectPlan, ReadSocket } from './protect-plan.js';
import { Setter } from './setter.js';
import { openUndo } from './undo.js';

export interface ProtectOptions {
  /** Made before anything is changed; must not exist. */
  readonly undoFile: string;
  /** 0: at once. */
  readonly spreadMs: number;
  /** Stays until interrupted, and covers what is new. */
  readonly follow: boolean;
  readonly interruption: AbortSignal;
}

type OnEvent = (event: ProtectEvent) => void;

/** @throws TcpaliveError where the undo file cannot be written; nothing is changed then */
export async function protect(
  kernel: Kernel,
  plan: ProtectPlan,
  options: ProtectOptions,
  onEvent: OnEvent,
): Promise<ProtectResult> {
  const { result, todo, request } = plan;
  const { undoFile, follow, interruption } = options;
  if (todo.length === 0 && !follow) return { ...result, dryRun: false };
  const undo = openUndo(undoFile);
  try {
    const setter = new Setter(kernel, request.terms.wanted, undo);
    setter.record(todo);
    onEvent({ kind: 'recorded', undoFile });
    setter.set(todo.filter(({ socket }) => isListener(socket)));
    const follower = follow ? new Follower(kernel, plan, setter) : undefined;
    const connections = todo.filter(({ socket }) => !isListener(socket));
    const complete = await spread(shuffled(connections), options, setter, onEvent);
    if (follower !== undefined) await followOn(follower, interruption, onEvent);
    return {
      ...result,
      dryRun: false,
      complete,
      changed: setter.changed,
      skipped: countSkipped([...plan.skipped, ...setter.skipped]),
      followed: follower?.followed ?? null,
      undoFile,
    };
  } finally {
    undo.close();
  }
}

/** How many of `count` have had their turn by then: the first at once, the last before the end. */
export function dueBy(elapsedMs: number, count: number, spreadMs: number): number {
  if (spreadMs === 0) return count;
  return Math.min(count, Math.floor((elapsedMs * count) / spreadMs) + 1);
}

/** Between two turns: often enough to be even, and to say how far it is. */
const SHORTEST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 1000;

/** @returns whether every one had its turn */
async function spread(
  sockets: readonly ReadSocket[],
  { spreadMs, interruption }: ProtectOptions,
  setter: Setter,
  onEvent: OnEvent,
): Promise<boolean> {
  const total = sockets.length;
  const pauseMs = Math.max(SHORTEST_PAUSE_MS, Math.min(spreadMs / total, LONGEST_PAUSE_MS));
  const startedAt = monotonicNow();
  let done = 0;
  while (done < total && !interruption.aborted) {
    const elapsedMs = msBetween(startedAt, monotonicNow());
    const due = dueBy(elapsedMs, total, spreadMs);
    setter.set(sockets.slice(done, due));
    done = due;
    const lastMs = (spreadMs * (total - 1)) / total;
    const leftMs = done === total ? 0 : Math.max(0, lastMs - elapsedMs);
    onEvent({ kind: 'progress', done, total, leftMs });
    if (done < total) await pause(pauseMs, interruption);
  }
  return done === total;
}

const LOOK_EVERY_MS = 1000;

async function followOn(
  follower: Follower,
  interruption: AbortSignal,
  onEvent: OnEvent,
): Promise<void> {
  let isAnybodyLeft = !interruption.aborted;
  if (isAnybodyLeft) onEvent({ kind: 'following' });
  while (isAnybodyLeft) {
    await pause(LOOK_EVERY_MS, interruption);
    isAnybodyLeft = !interruption.aborted && follower.look(onEvent);
  }
}

/** Fisher-Yates: those of one process, or of one network, are not the first to go. */
function shuffled<T>(items: readonly T[]): readonly T[] {
  const mixed = [...items];
  for (let at = mixed.length - 1; at > 0; at--) {
    const other = Math.floor(Math.random() * (at + 1));
    [mixed[at], mixed[other]] = [mixed[other] as T, mixed[at] as T];
  }
  return mixed;
}
