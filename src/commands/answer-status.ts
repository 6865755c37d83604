/** What every `--status` answers. */
import type { Answer, Resource } from '../net/status-server.js';
import { jsonText } from '../report/json.js';
import { METRICS_TYPE } from '../report/metrics.js';

export interface Status {
  /** Empty: all is well. */
  readonly problems: readonly string[];
}

/** @param metrics for Prometheus */
export function statusResources<Known extends Status>(
  status: () => Known | Promise<Known>,
  metrics: (status: Known) => Promise<string>,
): Readonly<Record<string, Resource>> {
  return {
    '/status': {
      method: 'GET',
      answer: async () => ({
        status: 200,
        type: 'application/json',
        body: `${jsonText(await status(), 2)}\n`,
      }),
    },
    '/metrics': {
      method: 'GET',
      answer: async () => ({
        status: 200,
        type: METRICS_TYPE,
        body: await metrics(await status()),
      }),
    },
    '/healthz': { method: 'GET', answer: async () => health(await status()) },
  };
}

export const TEXT = 'text/plain; charset=utf-8';

function health({ problems }: Status): Answer {
  if (problems.length === 0) return { status: 200, type: TEXT, body: 'ok\n' };
  return { status: 503, type: TEXT, body: problems.map((problem) => `${problem}\n`).join('') };
}
