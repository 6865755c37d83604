import type { VanishEvent, VanishLog } from '../../src/core/vanish-log.js';

/** Watched for a minute on after the last event, until told otherwise. */
export function logOf(
  events: readonly (VanishEvent | readonly VanishEvent[])[],
  changes: Partial<VanishLog> = {},
): VanishLog {
  const inOrder = events.flat().toSorted((a, b) => a.atMs - b.atMs);
  return {
    engine: 'goodbye-filter',
    load: 'idle',
    rttMs: 0,
    lastWordWithinMs: { quiet: 20, vanished: 20 },
    liftedAtMs: null,
    watchedMs: (inOrder.at(-1)?.atMs ?? 0) + 60_000,
    events: inOrder,
    ...changes,
  };
}
