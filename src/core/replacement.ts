/** What came of asking a running server to be replaced by its next version, `tcpalive/replace/1`. */
import type { RestartEntry } from './serve-log.js';

export interface Replacement {
  readonly schema: 'tcpalive/replace/1';
  /** False when it was interrupted: the restart goes on. */
  readonly complete: boolean;
  /** RFC 3339, UTC. */
  readonly startedAt: string;
  readonly durationMs: number;
  /** The server's --status. */
  readonly status: string;
  /** Of the server that was asked; null: it had not said it yet. */
  readonly pid: number | null;
  /** Of the next version; null: none was started. */
  readonly successor: number | null;
  readonly outcome: ReplacementOutcome;
}

export type ReplacementOutcome =
  | { readonly kind: 'replaced' }
  /** The one that was asked goes on in all these. */
  | { readonly kind: 'refused'; readonly reason: string }
  | { readonly kind: 'failed'; readonly reason: string }
  /** It has not said. */
  | { readonly kind: 'unknown'; readonly reason: string };

/** @param silence why nothing more was heard */
export function replacementOf(
  entries: readonly RestartEntry[],
  silence: string,
): Pick<Replacement, 'pid' | 'successor' | 'outcome'> {
  const started = entries.find((entry) => entry.event === 'restarting');
  return {
    pid: entries[0]?.pid ?? null,
    // 0: there was nothing that could be started.
    successor: started === undefined || started.successor === 0 ? null : started.successor,
    outcome: outcomeOf(entries.at(-1), silence),
  };
}

function outcomeOf(last: RestartEntry | undefined, silence: string): ReplacementOutcome {
  switch (last?.event) {
    case 'restarted':
      return { kind: 'replaced' };
    case 'restart-refused':
      return { kind: 'refused', reason: last.reason };
    case 'restart-failed':
      return { kind: 'failed', reason: last.reason };
    case 'restarting':
    case undefined:
      return { kind: 'unknown', reason: silence };
  }
}

/** One line of the answer; undefined: it is none. */
export function parseRestartEntry(line: string): RestartEntry | undefined {
  const entry = parsed(line);
  if (typeof entry['time'] !== 'string' || !isWhole(entry['pid'])) return undefined;
  const { event, successor, readyTimeoutMs, reason } = entry;
  const isEntry =
    (event === 'restarting' && isWhole(successor) && isDuration(readyTimeoutMs)) ||
    (event === 'restarted' && isWhole(successor)) ||
    (event === 'restart-failed' && typeof reason === 'string') ||
    (event === 'restart-refused' && typeof reason === 'string');
  return isEntry ? (entry as unknown as RestartEntry) : undefined;
}

function parsed(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {}; // no JSON, no entry
  }
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

function isDuration(value: unknown): boolean {
  return Number.isFinite(value) && Number(value) >= 0;
}
