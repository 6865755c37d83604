/**
 * Calls addresses that restart something, in order: what comes behind one that never answered 2xx is not
 * called, for it may rely on that.
 */
import { formatUrl, type ActionUrl } from '../core/guard/check-target.js';
import { pause } from '../kernel/interruption.js';
import { askHttp, type HttpAnswer, type HttpRequest } from './http-request.js';

export interface RestartUrlsOptions extends Pick<HttpRequest, 'ca' | 'interruption'> {
  readonly urls: readonly ActionUrl[];
  /** For one answer; of its body nothing is read. */
  readonly timeoutMs: number;
  /** For each address, at least 1. */
  readonly attempts: number;
  /** Before the second attempt; twice as long before each further one. */
  readonly retryAfterMs: number;
}

/** One attempt. */
export interface UrlCalled {
  /** Without credentials and query. */
  readonly url: string;
  /** From 1. */
  readonly attempt: number;
  /** Null: it answered 2xx. */
  readonly reason: string | null;
}

export type UrlsCalled =
  | { readonly kind: 'done' }
  | {
      readonly kind: 'failed';
      readonly url: string;
      /** Of the last attempt. */
      readonly reason: string;
      readonly notCalled: readonly string[];
    }
  | { readonly kind: 'interrupted' };

/** Never rejects. @param onCalled told of each attempt when its answer is there */
export async function callUrls(
  options: RestartUrlsOptions,
  onCalled: (called: UrlCalled) => void,
): Promise<UrlsCalled> {
  const { urls } = options;
  for (const [at, action] of urls.entries()) {
    const answer = await callOne(action, options, onCalled);
    if (answer.kind === 'interrupted') return answer;
    if (answer.kind === 'failed') {
      const notCalled = urls.slice(at + 1).map(({ url }) => formatUrl(url));
      return { ...answer, url: formatUrl(action.url), notCalled };
    }
  }
  return { kind: 'done' };
}

/** The last answer. */
async function callOne(
  { url, method }: ActionUrl,
  { attempts, retryAfterMs, ...options }: RestartUrlsOptions,
  onCalled: (called: UrlCalled) => void,
): Promise<HttpAnswer> {
  for (let attempt = 1; ; attempt++) {
    const answer = await askHttp({ ...options, url, method, maxBodyBytes: undefined });
    if (answer.kind === 'interrupted') return answer;
    const reason = answer.kind === 'failed' ? answer.reason : null;
    onCalled({ url: formatUrl(url), attempt, reason });
    if (reason === null || attempt >= attempts) return answer;
    await pause(retryAfterMs * 2 ** (attempt - 1), options.interruption);
  }
}
