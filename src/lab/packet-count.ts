/** What connections cost while nothing happens: their segments, in and out, over a time. */
import { msBetween } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import type { ConnectionId, Station } from './station.js';

/** Over less time a rate would say nothing. */
const SHORTEST_COUNT_MS = 2000;

/** An answer to a write load, and its delayed acknowledgement, are through by then. */
const LOAD_ANSWERED_MS = 250;

const MS_PER_HOUR = 3_600_000;

/** Packets an hour and connection over the next `forMs`; null where that is too short to say. */
export async function countPackets(
  station: Station,
  ids: readonly ConnectionId[],
  forMs: number,
  interruption: AbortSignal,
): Promise<number | null> {
  await pause(LOAD_ANSWERED_MS, interruption);
  const before = packets(station, ids);
  const startedAt = monotonicNow();
  await pause(forMs - 2 * LOAD_ANSWERED_MS, interruption);
  const elapsedMs = msBetween(startedAt, monotonicNow());
  const after = [...packets(station, ids)].filter(([id]) => before.has(id));
  if (after.length === 0 || elapsedMs < SHORTEST_COUNT_MS) return null;
  const sum = after.reduce((total, [id, count]) => total + count - (before.get(id) ?? 0), 0);
  return Math.round((sum / after.length) * (MS_PER_HOUR / elapsedMs));
}

function packets(
  station: Station,
  ids: readonly ConnectionId[],
): ReadonlyMap<ConnectionId, number> {
  const counts = station
    .look({ ids })
    .flatMap(({ id, info }) =>
      info === null ? [] : [[id, info.segmentsIn + info.segmentsOut] as const],
    );
  return new Map(counts);
}
