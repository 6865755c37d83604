import type { ProbeKernelView } from '../core/probe-result.js';
import type { TcpInfo } from '../kernel/socket-view.js';

/** What is told of a connection's kernel. */
export function kernelView(info: TcpInfo): ProbeKernelView {
  return {
    state: info.state,
    rttMs: info.rttMs,
    retransmissions: info.totalRetransmissions,
    unacknowledgedSegments: info.unacked,
    lastReceivedMs: Math.min(info.lastDataReceivedMs, info.lastAckReceivedMs),
  };
}
