/** The status of a server for Prometheus. Without a label of a peer: there may be tens of thousands. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { ServeStatus } from '../core/serve-status.js';

/** In seconds and bytes, as Prometheus has it. */
export function serveMetrics(status: ServeStatus): Promise<string> {
  const registry = new Registry();
  const { counts, descriptors, accept, loopDelayMs, workers } = status;

  function gauge(name: string, help: string, value: number | null): void {
    if (value === null) return;
    new Gauge({ name: `tcpalive_${name}`, help, registers: [registry] }).set(value);
  }

  function counter(name: string, help: string, value: number): void {
    new Counter({ name: `tcpalive_${name}_total`, help, registers: [registry] }).inc(value);
  }

  function counterBy(
    name: string,
    help: string,
    label: string,
    values: Readonly<Record<string, number>>,
  ): void {
    const each = new Counter({
      name: `tcpalive_${name}_total`,
      help,
      labelNames: [label],
      registers: [registry],
    });
    for (const [key, value] of Object.entries(values)) each.inc({ [label]: key }, value);
  }

  const open = new Gauge({
    name: 'tcpalive_connections',
    help: 'Open connections by what they are doing and by the mode that watches them.',
    labelNames: ['state', 'mode'],
    registers: [registry],
  });
  for (const { mode, connections } of workers) {
    const { active, silent, unread, closing } = connections;
    for (const [state, count] of Object.entries({ active, silent, unread, closing })) {
      open.inc({ state, mode }, count);
    }
  }
  gauge('max_connections', 'How many may be open.', status.maxConnections);
  counter('accepted_connections', 'Connections that were let in.', counts.accepted);
  counterBy('rejected_connections', 'Connections that were not let in.', 'cause', counts.rejected);
  counterBy(
    'ended_connections',
    'Connections that ended, by what ended them.',
    'by',
    counts.endedBy,
  );
  counter('frames', 'Frames received, beats among them.', counts.frames);
  counter('beats', 'Beats received.', counts.beats);
  counter('skipped_bytes', 'Received by connections now closed, of no frame.', counts.skippedBytes);
  counter('unanswered_frames', 'Frames whose late answer found no room.', counts.unanswered);
  gauge('longest_silence_seconds', 'Of the open connections.', seconds(status.longestSilenceMs));
  gauge('unsent_bytes', 'What waits for peers that do not read.', status.unsentBytes);
  gauge('resident_bytes', 'Memory of all processes of the server.', status.residentBytes);
  gauge('open_descriptors', 'Of all processes of the server.', descriptors.open);
  gauge('max_descriptors', 'RLIMIT_NOFILE of all processes of the server.', descriptors.limit);
  gauge('loop_delay_p99_seconds', 'How late the event loop was lately.', seconds(loopDelayMs.p99));
  gauge('loop_delay_max_seconds', 'How late the event loop was lately.', seconds(loopDelayMs.max));
  counter(
    'accept_failures',
    'How often a connection of our own was not accepted.',
    accept.failures,
  );
  gauge('healthy', '1: whoever connects is let in.', status.problems.length === 0 ? 1 : 0);
  gauge('workers', 'Processes that hold connections.', workers.length);
  gauge('uptime_seconds', 'Since the oldest process began.', seconds(status.uptimeMs));
  return registry.metrics();
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : ms / 1000;
}
