/** Asks a status address again and again. */
import type { Ear, Sign } from '../core/guard/sign.js';
import type { HealthCondition } from '../core/guard/health-condition.js';

export interface HttpCheckOptions {
  readonly url: URL;
  /** All of them must hold; a status outside 2xx is a failure with and without them. */
  readonly healthy: readonly HealthCondition[];
  /** None of them may hold. */
  readonly unhealthy: readonly HealthCondition[];
  /** From one question to the next, the first at once. */
  readonly intervalMs: number;
  /** For the name, the connection and the whole answer. */
  readonly timeoutMs: number;
}

export type WatchHttp = (options: HttpCheckOptions, hear: (sign: Sign) => void) => Ear;
