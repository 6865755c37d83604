/**
 * What a server says first, and says late: its process must be started (sshd forks), its client's name
 * looked up, its host is busy. A vanishing that begins before is one with data in flight. Pure.
 */
import type { VanishLog } from '../core/vanish-log.js';
import { FAREWELL_MS, sightings } from './sightings.js';

/** What comes later than that on its own is no greeting: a resolver gives up sooner, twice. */
export const GREETED_WITHIN_MS = 10_000;

/**
 * - `late`: the silence began too early.
 * - `none`: nothing that comes later is a greeting.
 * - `pending`: not known yet.
 */
export type Greeting = 'late' | 'none' | 'pending';

interface Opening {
  readonly log: VanishLog;
  /** How long the quiet one has been watched, by its own clock. */
  readonly quietMs: number;
  /** Whether the server had spoken before the silence. */
  readonly wasGreeted: Readonly<Record<'quiet' | 'vanished', boolean>>;
}

/** Late when the quiet one was greeted after the silence had begun, or only one of the two before. */
export function greeting({ log, quietMs, wasGreeted }: Opening): Greeting {
  const { load, watchedMs } = log;
  if (load === 'write') return 'none';
  if (wasGreeted.quiet || wasGreeted.vanished)
    return wasGreeted.quiet === wasGreeted.vanished ? 'none' : 'late';
  const { quiet, end } = sightings(log);
  if (end !== undefined || quiet.end !== undefined) return 'none';
  const [said] = quiet.data;
  if (said === undefined) return quietMs > GREETED_WITHIN_MS ? 'none' : 'pending';
  if (said.max > GREETED_WITHIN_MS) return 'none';
  // Not a farewell either: that is known once no goodbye has followed.
  return watchedMs > said.max + FAREWELL_MS ? 'late' : 'pending';
}
