/** The status of a guardian for Prometheus, in seconds and bytes. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { GuardStatus } from '../core/guard/guard-status.js';

export function guardMetrics(status: GuardStatus): Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const up = new Gauge({
    name: 'tcpalive_guard_service_alive',
    help: '1: it is alive.',
    labelNames: ['service', 'state'],
    registers,
  });
  const silence = new Gauge({
    name: 'tcpalive_guard_silence_seconds',
    help: 'Since the last sign of life.',
    labelNames: ['service', 'by'],
    registers,
  });
  const restarts = new Counter({
    name: 'tcpalive_guard_restarts_total',
    help: 'How often a service was restarted.',
    labelNames: ['service'],
    registers,
  });
  const refused = new Counter({
    name: 'tcpalive_guard_refused_total',
    help: 'Connections to the guardian that were no service of it.',
    labelNames: ['cause'],
    registers,
  });
  for (const { name: service, state, signs, restarts: count } of status.services) {
    up.set({ service, state }, state === 'alive' ? 1 : 0);
    restarts.inc({ service }, count);
    for (const { by, silentMs } of signs) {
      if (silentMs !== null) silence.set({ service, by }, silentMs / 1000);
    }
  }
  for (const [cause, count] of Object.entries(status.refused)) refused.inc({ cause }, count);
  gauge('resident_bytes', 'Memory of the guardian.', status.residentBytes);
  gauge('uptime_seconds', 'Since the guardian began.', status.uptimeMs / 1000);
  gauge('healthy', '1: no service is in trouble.', status.problems.length === 0 ? 1 : 0);
  return registry.metrics();

  function gauge(name: string, help: string, value: number | null): void {
    if (value === null) return;
    new Gauge({ name: `tcpalive_guard_${name}`, help, registers }).set(value);
  }
}
