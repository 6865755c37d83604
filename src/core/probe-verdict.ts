/** From what one end saw of a connection to what is said of its peer. Knows no socket and no clock. */
import type { Mode } from './mode.js';
import type { ProbeVerdict, SilentParty } from './probe-result.js';
import { addMs, instantAt, msBetween, type Instant } from './time.js';

/** Endings that the peer announced: nobody had to notice anything. */
const GOODBYES: ReadonlySet<string> = new Set(['FIN', 'ECONNRESET', 'EPIPE', 'violation']);

export function isGoodbye(by: string): boolean {
  return GOODBYES.has(by);
}

export interface SeenOfPeer {
  readonly mode: Mode;
  /** What ended it, as the driver says it. */
  readonly by: string;
  readonly openedAt: Instant;
  readonly endedAt: Instant;
  /** For a violation: what was wrong. */
  readonly detail: string | undefined;
  /** Since the last received byte; of a kernel's beats, since the last segment. */
  readonly silentMs: number;
  /** When the kernel last heard anything, acknowledgements too; undefined where it does not tell. */
  readonly kernelHeardAt: Instant | undefined;
  readonly answeredBeats: number;
  readonly firstUnansweredAt: Instant | undefined;
  /** This end was cut on purpose. */
  readonly cut: boolean;
}

/** @param wallClock an instant as RFC 3339 */
export function probeVerdict(seen: SeenOfPeer, wallClock: (at: Instant) => string): ProbeVerdict {
  const { mode, by, openedAt, endedAt, silentMs } = seen;
  const detail = seen.detail ?? null;
  const afterMs = msBetween(openedAt, endedAt);
  const byKernel = by.startsWith('E') && !isGoodbye(by);
  if (mode.heartbeat !== undefined && seen.answeredBeats === 0 && !seen.cut && !byKernel) {
    return { kind: 'no-answer', by, afterMs, detail };
  }
  if (isGoodbye(by)) return { kind: 'closed', by, afterMs, detail };
  const where = silentParty(seen);
  const lastByteAt = addMs(endedAt, -silentMs);
  // Of a process only its bytes are heard, of a kernel its acknowledgements too.
  const lastHeardAt =
    where === 'kernel' ? instantAt(Math.max(lastByteAt, seen.kernelHeardAt ?? 0)) : lastByteAt;
  return {
    kind: 'dead',
    by,
    lastHeardAt: wallClock(lastHeardAt),
    firstUnansweredAt:
      seen.firstUnansweredAt === undefined ? null : wallClock(seen.firstUnansweredAt),
    noticedAt: wallClock(endedAt),
    silentMs: msBetween(lastHeardAt, endedAt),
    where,
  };
}

/**
 * The kernel acknowledged beats that came after the last byte: then it is alive and its process
 * is not. Half a beat is more than a delayed acknowledgement of the last answer.
 */
function silentParty({ mode, by, endedAt, silentMs, kernelHeardAt }: SeenOfPeer): SilentParty {
  if (by.startsWith('E')) return 'kernel';
  if (kernelHeardAt === undefined || mode.heartbeat === undefined) return 'unknown';
  const acknowledgedAfterMs = silentMs - msBetween(kernelHeardAt, endedAt);
  return acknowledgedAfterMs > mode.heartbeat.intervalMs / 2 ? 'process' : 'kernel';
}
