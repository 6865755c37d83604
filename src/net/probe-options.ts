import type { Endpoint } from '../core/endpoint.js';
import type { Mode } from '../core/mode.js';
import type { HostFacts } from '../core/result.js';

export interface ProbeOptions {
  readonly remote: Endpoint;
  /** Only addresses of that family; undefined: whichever the name has. */
  readonly family: 4 | 6 | undefined;
  readonly mode: Mode;
  /** Stop after so many answered beats. */
  readonly count: number | undefined;
  readonly durationMs: number | undefined;
  /** Cut our own end that long after connecting, once. */
  readonly dropAfterMs: number | undefined;
  /** Connect again whenever a connection ends, until count, duration or interruption. */
  /** Not together with `dropAfterMs`. */
  readonly reconnect: boolean;
  readonly host: HostFacts;
  readonly interruption: AbortSignal;
}
