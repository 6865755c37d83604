/**
 * What a server says first, and says late: its process must be started (sshd forks), its client's name
 * looked up, its host is busy. A vanishing that begins before is one with data in flight. Pure.
 */
import type { VanishLog } from '../core/vanish-log.js';
import { FAREWELL_MS, sightings } from './sightings.js';

/** What comes later than that on its own is no greeting: a resolver gives up sooner, twice. */
export const GREETED_WITHIN_MS = 10_000;

interface Opening {
  readonly log: VanishLog;
  /** Whether the server had spoken before the silence. */
  readonly wasGreeted: Readonly<Record<'quiet' | 'vanished', boolean>>;
}

/** The silence began too early: the quiet one was greeted after it, or only one of the two before. */
export function isGreetedLate({ log, wasGreeted }: Opening): boolean {
  const { load, watchedMs } = log;
  if (load === 'write') return false;
  if (wasGreeted.quiet || wasGreeted.vanished) return wasGreeted.quiet !== wasGreeted.vanished;
  const { quiet, end } = sightings(log);
  const [said] = quiet.data;
  if (said === undefined || said.max > GREETED_WITHIN_MS) return false;
  // Not a farewell either: that is known once no goodbye has followed.
  return end === undefined && quiet.end === undefined && watchedMs > said.max + FAREWELL_MS;
}
