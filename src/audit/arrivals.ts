/**
 * From the counters of a connection to what has arrived for it between two looks. Knows no socket and
 * no clock.
 */
import type { VanishEngine } from '../core/vanish-log.js';
import type { TcpInfo } from '../kernel/socket-view.js';

export interface Counters extends Pick<
  TcpInfo,
  'state' | 'segmentsIn' | 'dataSegmentsIn' | 'segmentsOut' | 'unacked' | 'rttMs'
> {
  readonly drops: number;
}

export interface Arrivals {
  readonly data: number;
  /** Without data, and no goodbye. */
  readonly bare: number;
  readonly swallowed: number;
  /** `some`: which one is not yet known. */
  readonly goodbye: 'fin' | 'reset' | 'some' | undefined;
}

export function arrivals(
  before: Counters,
  after: Counters,
  engine: VanishEngine | undefined,
): Arrivals {
  const segments = after.segmentsIn - before.segmentsIn;
  const data = after.dataSegmentsIn - before.dataSegmentsIn;
  const swallowed = after.drops - before.drops;
  const told = goodbye(before, after);
  switch (engine) {
    case undefined:
    case 'hop-limit': {
      // A goodbye without data is one of the bare ones. What is heard and answered may count as a
      // drop too: a keepalive probe lies outside the window (tcp_validate_incoming).
      const bare = Math.max(0, segments - data - (told === undefined ? 0 : 1));
      return { data, bare, swallowed: 0, goodbye: told };
    }
    case 'min-ttl':
      return { data: 0, bare: 0, swallowed, goodbye: undefined };
    case 'goodbye-filter':
      // Behind a hole a FIN passes and does not reach the program, and an RST is asked about first
      // (a challenge acknowledgement, RFC 5961 section 3.2): neither changes the state yet.
      return { data: 0, bare: 0, swallowed, goodbye: told ?? (segments > 0 ? 'some' : undefined) };
    case 'data-filter':
      // What acknowledges a request of ours passes, and is no news; so do probes.
      return { data: 0, bare: 0, swallowed, goodbye: told };
  }
}

/** Nothing that arrives is acknowledged. */
export function isDeaf(engine: VanishEngine | undefined): boolean {
  return engine === 'goodbye-filter' || engine === 'min-ttl';
}

function goodbye(before: Counters, after: Counters): Arrivals['goodbye'] {
  if (before.state === after.state) return undefined;
  if (after.state === 'CLOSE') return 'reset';
  return CLOSED_BY_PEER.has(after.state) ? 'fin' : undefined;
}

const CLOSED_BY_PEER: ReadonlySet<string> = new Set(['CLOSE-WAIT', 'LAST-ACK', 'CLOSING']);
