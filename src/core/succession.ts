/**
 * A server and its next version: one starts at a time, the old one goes on until the new one has said
 * that it serves, and goes on for good where it never does. Knows neither processes nor sockets.
 */
import { addMs, type Instant } from './time.js';

export type SuccessionInput = 'asked' | 'ready' | 'failed' | 'tick' | 'ending';

export type SuccessionAction =
  | { readonly kind: 'start' }
  /** The new one serves: nobody is taken in here any more. */
  | { readonly kind: 'retire' }
  /** It goes on as if nothing had happened. */
  | { readonly kind: 'kill' }
  /** To whoever asked. */
  | { readonly kind: 'refuse'; readonly reason: string };

type Phase = 'serving' | 'starting' | 'retired' | 'ending';

export class Succession {
  readonly #readyTimeoutMs: number;
  #phase: Phase = 'serving';
  #readyBy: Instant | undefined;

  constructor(readyTimeoutMs: number) {
    this.#readyTimeoutMs = readyTimeoutMs;
  }

  /** When `step` must be called with a `tick`; undefined: never. */
  nextDeadline(): Instant | undefined {
    return this.#readyBy;
  }

  step(input: SuccessionInput, now: Instant): readonly SuccessionAction[] {
    switch (input) {
      case 'asked':
        if (this.#phase !== 'serving') return [{ kind: 'refuse', reason: REASONS[this.#phase] }];
        this.#enter('starting', addMs(now, this.#readyTimeoutMs));
        return [{ kind: 'start' }];
      case 'ready':
        if (this.#phase !== 'starting') return [];
        this.#enter('retired');
        return [{ kind: 'retire' }];
      case 'failed':
        if (this.#phase === 'starting') this.#enter('serving');
        return [];
      case 'tick':
        if (this.#readyBy === undefined || now < this.#readyBy) return [];
        this.#enter('serving');
        return [{ kind: 'kill' }];
      case 'ending': {
        const wasStarting = this.#phase === 'starting';
        this.#enter('ending');
        return wasStarting ? [{ kind: 'kill' }] : [];
      }
    }
  }

  #enter(phase: Phase, readyBy?: Instant): void {
    this.#phase = phase;
    this.#readyBy = readyBy;
  }
}

const REASONS: Readonly<Record<Exclude<Phase, 'serving'>, string>> = {
  starting: 'another restart is under way',
  retired: 'this process has been replaced already',
  ending: 'this process is ending',
};
