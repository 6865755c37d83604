/**
 * When a service is started again, and when no more. Restarts are counted within a window and not since it
 * last worked: one that dies just after its start-up grace is held back like one that dies at once.
 */
import { addMs, msBetween, type Instant } from '../time.js';
import type { BackOff, RestartLimit } from './service-config.js';

export type RestartDecision =
  /** @param restart which one within the window, from 1 */
  | { readonly kind: 'restart'; readonly at: Instant; readonly restart: number }
  | { readonly kind: 'give-up' };

export class RestartPolicy {
  readonly #limit: RestartLimit;
  readonly #backOff: BackOff;
  /** When restarts took place or will, the latest last; none of them is older than the window. */
  #restarts: readonly Instant[] = [];

  constructor(limit: RestartLimit, backOff: BackOff) {
    this.#limit = limit;
    this.#backOff = backOff;
  }

  /** How many there were within the window. */
  recent(now: Instant): number {
    return this.#restarts.filter((at) => msBetween(at, now) < this.#limit.withinMs).length;
  }

  /** @param random 0 to 1: of half of the back-off, so that services that died together do not start together */
  next(random: number, now: Instant): RestartDecision {
    const before = this.recent(now);
    if (before >= this.#limit.most) return { kind: 'give-up' };
    const { firstMs, mostMs } = this.#backOff;
    const nominalMs = before === 0 ? 0 : Math.min(mostMs, firstMs * 2 ** (before - 1));
    const at = addMs(now, nominalMs * (1 - random / 2));
    const kept = this.#restarts.slice(this.#restarts.length - before);
    this.#restarts = [...kept, at];
    return { kind: 'restart', at, restart: before + 1 };
  }
}
