/**
 * The end of a server that takes nobody in any more: it goes on answering whoever is there, says
 * goodbye as its plan has it (core/drain.ts), and does not wait for half-open connections.
 */
import { setImmediate as pollPhase } from 'node:timers/promises';
import { DrainPlan } from '../core/drain.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Connection } from './connection.js';
import { HalfOpenSearch } from './half-open.js';

const LOOK_EVERY_MS = 50;

interface Drainable {
  readonly connections: ReadonlySet<Connection>;
  /** So many connections as are answered next are told goodbye with that; instead of what was said before. */
  concludeWithAnswers(count: number): void;
}

/**
 * Resolves when every connection is gone, or the time for it is over, or it is interrupted: who is
 * there then is the caller's.
 */
export async function drain(
  kernel: Kernel,
  served: Drainable,
  timeoutMs: number,
  interruption: AbortSignal,
): Promise<void> {
  const { connections } = served;
  let now = monotonicNow();
  const plan = new DrainPlan(now, timeoutMs);
  const search = new HalfOpenSearch(kernel);
  while (connections.size > 0 && !plan.isOver(now) && !interruption.aborted) {
    const open = [...connections].filter(({ ending }) => ending === undefined);
    for (const connection of search.look(open, now)) connection.reset('probe');
    const views = open.map((connection) => ({
      connection,
      silentMs: connection.silentMs(now),
      isBetweenFrames: connection.isBetweenFrames,
    }));
    const goodbyes = plan.goodbyes(views, now);
    for (const { connection } of goodbyes.now) connection.conclude('drain');
    served.concludeWithAnswers(goodbyes.withAnswers);
    await pause(LOOK_EVERY_MS, interruption);
    // What has come while this process stood still is read before anybody is taken for quiet.
    await pollPhase();
    now = monotonicNow();
  }
  search.stop();
}
