/** What `guard --status` answers: loaded only where it is asked for. */
import type { Endpoint } from '../core/endpoint.js';
import type { GuardStatus } from '../core/guard/guard-status.js';
import { startStatusServer, type StatusServer } from '../net/status-server.js';
import { guardMetrics } from '../report/guard-metrics.js';
import { statusResources } from './answer-status.js';

/** @throws TcpaliveError CANNOT_LISTEN */
export function guardStatusServer(
  at: Endpoint,
  status: () => GuardStatus,
  onBug: (error: unknown) => void,
): Promise<StatusServer> {
  return startStatusServer(at, statusResources(status, guardMetrics), { onBug });
}
