import { describe, expect, it } from 'vitest';
import { mergeSnapshots } from '../../src/core/serve-status.js';
import { serveMetrics } from '../../src/report/serve-metrics.js';
import { snapshot } from '../core/server-snapshot.js';

const status = mergeSnapshots([snapshot()], '2026-11-20T14:02:07.123Z');

describe('the metrics of a server', () => {
  it('are its status in seconds and bytes, without a label of a peer', async () => {
    const lines = (await serveMetrics(status)).split('\n');
    expect(lines.filter((line) => line !== '' && !line.startsWith('#')).join('\n'))
      .toMatchInlineSnapshot(`
        "tcpalive_connections{state="active",mode="heartbeat=1s:3s"} 4
        tcpalive_connections{state="silent",mode="heartbeat=1s:3s"} 3
        tcpalive_connections{state="unread",mode="heartbeat=1s:3s"} 2
        tcpalive_connections{state="closing",mode="heartbeat=1s:3s"} 1
        tcpalive_max_connections 20
        tcpalive_accepted_connections_total 30
        tcpalive_rejected_connections_total{cause="connections"} 1
        tcpalive_rejected_connections_total{cause="address"} 2
        tcpalive_rejected_connections_total{cause="mode"} 0
        tcpalive_ended_connections_total{by="FIN"} 10
        tcpalive_ended_connections_total{by="heartbeat"} 10
        tcpalive_frames_total 500
        tcpalive_beats_total 400
        tcpalive_skipped_bytes_total 12
        tcpalive_unanswered_frames_total 1
        tcpalive_longest_silence_seconds 2.5
        tcpalive_unsent_bytes 4096
        tcpalive_resident_bytes 50000000
        tcpalive_open_descriptors 40
        tcpalive_max_descriptors 256
        tcpalive_loop_delay_p99_seconds 0.0015
        tcpalive_loop_delay_max_seconds 0.004
        tcpalive_accept_failures_total 1
        tcpalive_healthy 1
        tcpalive_workers 1
        tcpalive_uptime_seconds 60"
      `);
  });

  it('say of each what it is', async () => {
    const text = await serveMetrics(status);
    expect(text).toContain(
      '# HELP tcpalive_rejected_connections_total Connections that were not let in.\n' +
        '# TYPE tcpalive_rejected_connections_total counter\n',
    );
  });

  it('leave out what is not known, and tell nothing of another time', async () => {
    const blind = snapshot({ maxConnections: null, descriptors: { open: null, limit: null } });
    const text = await serveMetrics(mergeSnapshots([blind], status.time));
    expect(text).not.toMatch(/max_connections|descriptors/);
    expect(await serveMetrics(status)).toBe(await serveMetrics(status));
  });
});
