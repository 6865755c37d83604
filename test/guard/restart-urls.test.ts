import { describe, expect, it } from 'vitest';
import { parseActionUrl } from '../../src/core/guard/check-target.js';
import { callUrls, type RestartUrlsOptions, type UrlCalled } from '../../src/guard/restart-urls.js';
import { SOON_MS, TEST_MS } from '../real-kernel.js';
import { until } from '../until.js';
import { httpServer } from './http-server.js';

describe('restart addresses', { timeout: TEST_MS }, () => {
  it('are all called in order, one that fails twice first three times, and each call is told', async () => {
    let failures = 2;
    const { origin, requests, connections } = await httpServer(({ url }, response) =>
      response.writeHead(url === '/two' && failures-- > 0 ? 503 : 204).end(),
    );
    const { called, result } = call([
      `${origin}/one?token=secret`,
      `POST ${origin}/two`,
      `${origin}/three`,
    ]);
    expect(await result).toEqual({ kind: 'done' });
    const inOrder = ['GET /one?token=secret', ...Array<string>(3).fill('POST /two'), 'GET /three'];
    expect(requests).toEqual(inOrder);
    expect(called).toEqual([
      { url: `${origin}/one`, attempt: 1, reason: null },
      { url: `${origin}/two`, attempt: 1, reason: 'it answered 503' },
      { url: `${origin}/two`, attempt: 2, reason: 'it answered 503' },
      { url: `${origin}/two`, attempt: 3, reason: null },
      { url: `${origin}/three`, attempt: 1, reason: null },
    ]);
    await until(() => connections.size === 0, SOON_MS);
  });

  it('behind one that never answers 2xx are not called', async () => {
    const { origin, requests } = await httpServer(({ url }, response) =>
      response.writeHead(url === '/stop' ? 500 : 200).end(),
    );
    const { called, result } = call([`${origin}/stop`, `${origin}/clear`, `${origin}/start?now`]);
    expect(await result).toEqual({
      kind: 'failed',
      url: `${origin}/stop`,
      reason: 'it answered 500',
      notCalled: [`${origin}/clear`, `${origin}/start`],
    });
    expect(requests).toEqual(Array<string>(3).fill('GET /stop'));
    expect(called.map(({ attempt }) => attempt)).toEqual([1, 2, 3]);
  });

  it('that answer for ever have answered, those that never do have not', async () => {
    const { origin, connections } = await httpServer(({ url }, response) => {
      if (url === '/endless') response.write('still restarting');
    });
    expect(await call([`${origin}/endless`]).result).toEqual({ kind: 'done' });
    const { result } = call([`${origin}/silent`], { timeoutMs: 50, attempts: 1 });
    expect(await result).toMatchObject({ reason: 'no whole answer within 50ms' });
    await until(() => connections.size === 0, SOON_MS);
  });

  it.each(['while one is asked', 'between two attempts'])('are left, %s', async (when) => {
    const interruption = new AbortController();
    const { origin, requests } = await httpServer((_, response) => {
      if (when === 'between two attempts') response.writeHead(500).end();
      else interruption.abort();
    });
    const { called, result } = call(
      [`${origin}/one`, `${origin}/two`],
      { retryAfterMs: SOON_MS, interruption: interruption.signal },
      () => interruption.abort(),
    );
    expect(await result).toEqual({ kind: 'interrupted' });
    expect(requests).toEqual(['GET /one']);
    expect(called).toHaveLength(when === 'between two attempts' ? 1 : 0);
  });
});

function call(
  urls: readonly string[],
  more: Partial<RestartUrlsOptions> = {},
  onCalled: () => void = () => undefined,
) {
  const called: UrlCalled[] = [];
  const options = {
    urls: urls.map(parseActionUrl),
    timeoutMs: SOON_MS,
    attempts: 3,
    retryAfterMs: 5,
    interruption: new AbortController().signal,
    ...more,
  };
  const result = callUrls(options, (one) => {
    called.push(one);
    onCalled();
  });
  return { called, result };
}
