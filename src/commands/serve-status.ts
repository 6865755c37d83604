/** What `serve --status` answers: loaded only where it is asked for. */
import { PassThrough } from 'node:stream';
import type { Endpoint } from '../core/endpoint.js';
import type { ServeStatus } from '../core/serve-status.js';
import type { Kernel } from '../kernel/kernel.js';
import { mayNotSignal, type Asker } from '../net/asker.js';
import { REPLACE_PATH } from '../net/replace-request.js';
import {
  startStatusServer,
  type Answer,
  type StatusServer,
  type StatusServerOptions,
} from '../net/status-server.js';
import { jsonText } from '../report/json.js';
import { serveMetrics } from '../report/serve-metrics.js';
import { statusResources, TEXT } from './answer-status.js';
import type { Restart } from './restart.js';

export interface StatusParts {
  readonly status: () => ServeStatus | Promise<ServeStatus>;
  readonly restart: Pick<Restart, 'ask'>;
  readonly kernel: Kernel;
}

/** @throws TcpaliveError CANNOT_LISTEN */
export function serveStatus(
  at: Endpoint,
  { status, restart, kernel }: StatusParts,
  options: StatusServerOptions,
): Promise<StatusServer> {
  const resources = {
    ...statusResources(status, serveMetrics),
    [REPLACE_PATH]: {
      method: 'POST' as const,
      answer: (asker: Asker) => Promise.resolve(replacement(restart, kernel, asker)),
    },
  };
  return startStatusServer(at, resources, options);
}

/** The events of this one restart, a JSON line each as they come: an answer may take --ready-timeout. */
function replacement(restart: StatusParts['restart'], kernel: Kernel, asker: Asker): Answer {
  const why = mayNotSignal(kernel, asker);
  if (why !== undefined) return { status: 403, type: TEXT, body: `${why}\n` };
  const body = new PassThrough();
  let status = 202;
  restart.ask((entry) => {
    if (entry.event === 'restart-refused') status = 409;
    body.write(`${jsonText(entry)}\n`);
    if (entry.event !== 'restarting') body.end();
  });
  return { status, type: 'application/x-ndjson', body };
}
