import type { Mode } from '../core/mode.js';
import type { HostFacts } from '../core/result.js';
import type { OpenOptions } from './open-socket.js';

export interface ProbeOptions extends OpenOptions {
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
