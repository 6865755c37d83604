/** What `--status` answers. */
import type { Endpoint } from '../core/endpoint.js';
import { startStatusServer, type Answer, type StatusServer } from '../net/status-server.js';
import { jsonText } from '../report/json.js';
import { METRICS_TYPE } from '../report/metrics.js';

export interface Status {
  /** Empty: all is well. */
  readonly problems: readonly string[];
}

/**
 * @param metrics for Prometheus
 * @param descriptor a listening socket from the previous version
 * @throws TcpaliveError CANNOT_LISTEN
 */
export function answerStatus<Known extends Status>(
  at: Endpoint,
  status: () => Known | Promise<Known>,
  metrics: (status: Known) => Promise<string>,
  descriptor?: number,
): Promise<StatusServer> {
  const resources: Parameters<typeof startStatusServer>[1] = {
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
  return startStatusServer(at, resources, descriptor);
}

function health({ problems }: Status): Answer {
  const type = 'text/plain; charset=utf-8';
  if (problems.length === 0) return { status: 200, type, body: 'ok\n' };
  return { status: 503, type, body: problems.map((problem) => `${problem}\n`).join('') };
}
