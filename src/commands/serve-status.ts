/** What `serve --status` answers: loaded only where it is asked for. */
import type { Endpoint } from '../core/endpoint.js';
import type { ServeStatus } from '../core/serve-status.js';
import { startStatusServer, type Answer, type StatusServer } from '../net/status-server.js';
import { jsonText } from '../report/json.js';
import { METRICS_TYPE, serveMetrics } from '../report/serve-metrics.js';

/**
 * @param descriptor a listening socket from the previous version
 * @throws TcpaliveError CANNOT_LISTEN
 */
export function serveStatus(
  at: Endpoint,
  status: () => ServeStatus | Promise<ServeStatus>,
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
        body: await serveMetrics(await status()),
      }),
    },
    '/healthz': { method: 'GET', answer: async () => health(await status()) },
  };
  return startStatusServer(at, resources, descriptor);
}

function health({ problems }: ServeStatus): Answer {
  const type = 'text/plain; charset=utf-8';
  if (problems.length === 0) return { status: 200, type, body: 'ok\n' };
  return { status: 503, type, body: problems.map((problem) => `${problem}\n`).join('') };
}
