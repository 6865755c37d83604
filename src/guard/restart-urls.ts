/** Calls addresses that restart something, in order. */
import type { ActionUrl } from '../core/guard/check-target.js';

export interface RestartUrlsOptions {
  readonly urls: readonly ActionUrl[];
  /** For one answer. */
  readonly timeoutMs: number;
  /** For each address, at least 1. */
  readonly attempts: number;
  /** Before the second attempt; twice as long before each further one. */
  readonly retryAfterMs: number;
  readonly interruption: AbortSignal;
}

/** Told of each attempt. The address is without credentials and query. */
export interface UrlCalled {
  readonly url: string;
  /** From 1. */
  readonly attempt: number;
  /** Null: it answered 2xx. */
  readonly reason: string | null;
}

/** `failed`: those behind the one that never answered 2xx were not called. */
export type UrlsCalled =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'failed';
      readonly url: string;
      readonly reason: string;
      readonly notCalled: readonly string[];
    }
  | { readonly kind: 'interrupted' };

/** Never rejects. */
export type CallUrls = (
  options: RestartUrlsOptions,
  onCalled: (called: UrlCalled) => void,
) => Promise<UrlsCalled>;
