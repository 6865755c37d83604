/** What a kernel tells: of a connection by its own descriptor, and of everybody's from outside. */
import type { SocketsTold } from '../core/idle-sockets.js';
import type { KeepaliveSettings } from '../core/mode.js';
import type { HostSocket } from '../core/socket.js';

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

/** All of a network namespace, at one moment as far as the kernel can. */
export interface SocketTable extends SocketsTold {
  /** It changed while it was read: something may be missing, or twice. */
  readonly torn: boolean;
}

/** The same as it comes, to be walked through once, and to its end. */
export interface ComingTable extends AsyncIterable<TablePart> {
  readonly askedAt: Date;
  /** Known behind the last part. */
  readonly torn: boolean;
}

/** Gone as soon as the next is asked for. */
export interface TablePart extends SocketsTold {
  /** Milliseconds from the asking by which the kernel had told all of it. */
  readonly withinMs: number;
}

export type RoutedConnection = Pick<
  HostSocket,
  'local' | 'peer' | 'interfaceIndex' | 'userId' | 'cookie'
>;

/** How what is sent on a connection leaves this host, as far as its kernel can tell at this moment. */
export type WayOut =
  /** `link` stays the same for as long as its carrier stays. */
  | { readonly kind: 'open'; readonly link: string }
  /** Its router is being asked whether it is still there, which takes seconds. */
  | { readonly kind: 'unsettled'; readonly link: string }
  /** Null: there is none, or none that works; else its router does not answer, which may change in a moment. */
  | { readonly kind: 'shut'; readonly link: string | null; readonly reason: string };

/** Which processes hold which sockets, not of TCP alone. */
export interface HeldSockets {
  /** Three for each: process, descriptor, inode; processes in their order. */
  readonly numbers: Uint32Array;
  /** Processes that we may not look into. */
  readonly hidden: number;
}

/** What SO_KEEPALIVE, TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT and TCP_USER_TIMEOUT hold. */
export interface OptionValues extends KeepaliveSettings {
  readonly keepalive: boolean;
  /** 0: off. */
  readonly userTimeoutMs: number;
}

/** What /proc tells of a process. Its name is text from outside. */
export interface ProcessFacts {
  readonly name: string;
  readonly parentPid: number;
  /** A thread of the kernel's own: it holds no descriptors. */
  readonly isKernelThread: boolean;
  /** In ticks since the start of the machine: with its number it names one process for good. */
  readonly startedAtTicks: number;
  readonly cgroup: string;
  /** Null where this user may not look. */
  readonly descriptorLimit: number | null;
}

/** Duplicates a descriptor of one process for as long as `use` runs (pidfd_getfd). */
export type Borrow = <T>(fd: number, use: (duplicate: number) => T) => T;

export interface NetworkNamespace {
  /** As the kernel names it: `net:[4026531840]`. */
  readonly id: string;
  readonly path: string;
}
