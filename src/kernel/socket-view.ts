/** What a kernel tells of one connection: from its own descriptor, and from outside. */
import type { TimerName } from '../core/result.js';

/** By its own descriptor (TCP_INFO); times are milliseconds. */
export interface TcpInfo {
  readonly state: string;
  /** Retransmissions of the segment at the head of the queue, since the last answer. */
  readonly retransmits: number;
  /** Keepalive or zero-window probes out and unanswered. */
  readonly probes: number;
  /** Doublings of the retransmission or probe timer so far. */
  readonly backoff: number;
  readonly rtoMs: number;
  /** Segments sent and not acknowledged. */
  readonly unacked: number;
  readonly lastDataReceivedMs: number;
  /** Since any acknowledgement arrived, data or not. The kernel keeps it in ticks. */
  readonly lastAckReceivedMs: number;
  readonly rttMs: number;
  readonly totalRetransmissions: number;
  readonly bytesAcked: number;
  readonly bytesReceived: number;
  readonly segmentsOut: number;
  /** Counted behind a socket filter: what was dropped is not in it. */
  readonly segmentsIn: number;
  readonly dataSegmentsIn: number;
  /** How much the peer has room for; null where the kernel does not tell. */
  readonly sendWindowBytes: number | null;
}

/** From outside, by its addresses (sock_diag). */
export interface SocketDiag {
  readonly state: string;
  readonly timer: TimerName;
  /** Until that timer fires; undefined when none is armed. */
  readonly expiresInMs: number | undefined;
  /** Retransmissions, or probes unanswered, by which timer it is. */
  readonly retransmissions: number;
  readonly receiveQueueBytes: number;
  readonly sendQueueBytes: number;
  readonly inode: number;
}
