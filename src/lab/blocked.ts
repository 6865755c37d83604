/** The load `zero-window`: peers that do not read, and every buffer on the way to them full. */
import { msBetween, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import { pause } from '../kernel/interruption.js';
import type { ConnectionId, Station } from './station.js';

/** Buffers of a few megabytes fill in milliseconds, the window moving a little until the end. */
const CLOSES_WITHIN_MS = 5000;
const LOOK_EVERY_MS = 4;

/** A window that opens once more does so at once; the first probe leaves 200 ms after it closed. */
const CLOSED_FOR_MS = 40;

/**
 * Fills connections and tells of each once the kernel has shown its zero-window timer for a while.
 * @param onBlocked with the time since its first write
 * @returns those that could not be filled
 */
export async function fillUntilBlocked(
  { kernel, station }: { readonly kernel: Kernel; readonly station: Station },
  ids: readonly ConnectionId[],
  interruption: AbortSignal,
  onBlocked: (id: ConnectionId, fillMs: number) => Promise<void>,
): Promise<readonly ConnectionId[]> {
  const started = new Map<ConnectionId, Instant>();
  const closedSince = new Map<ConnectionId, Instant>();
  const waiting = new Set(ids);
  const filled = Promise.all(
    ids.map(async (id) => {
      await station.fill({ ids: [id] });
      started.set(id, monotonicNow());
    }),
  );
  let deadline = Infinity;
  void filled.then(() => (deadline = monotonicNow() + CLOSES_WITHIN_MS));
  while (waiting.size > 0 && monotonicNow() < deadline && !interruption.aborted) {
    for (const { id, local, remote, info } of station.look({ ids: [...waiting] })) {
      const startedAt = started.get(id);
      if (startedAt === undefined) continue;
      const now = monotonicNow();
      // A window that is not quite closed takes one more segment, and dies of a retransmission.
      const isClosed = (info?.sendWindowBytes ?? 0) === 0 && info?.backoff === 0;
      if (!isClosed || kernel.socketDiag(local, remote)?.timer.kind !== 'zero-window') {
        closedSince.delete(id);
      } else if (!closedSince.has(id)) closedSince.set(id, now);
      else if (msBetween(closedSince.get(id) ?? now, now) >= CLOSED_FOR_MS) {
        waiting.delete(id);
        await onBlocked(id, msBetween(startedAt, now));
      }
    }
    await pause(LOOK_EVERY_MS, interruption);
  }
  return [...waiting];
}
