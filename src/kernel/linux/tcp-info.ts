/** Decoding of `struct tcp_info`, include/uapi/linux/tcp.h; offsets are ABI and only ever appended to. */
import { tcpStates } from '../../core/socket.js';
import type { TcpInfo } from '../socket-view.js';

/** Room for every kernel so far (280 bytes on 6.18); the returned length is what counts. */
export const TCP_INFO_BYTES = 512;

/** Up to data_segs_in, which Linux 4.6 brought: no supported kernel is shorter. */
const SHORTEST_BYTES = 156;

/** tcpi_snd_wnd, from Linux 5.4 on. */
export const SEND_WINDOW_AT = 228;

/** The name of a kernel TCP state, include/net/tcp_states.h, as `ss` spells it. */
export function stateName(state: number): string {
  return tcpStates[state] ?? 'UNKNOWN';
}

/** @param bytes exactly what getsockopt returned. Undefined when that is too short to be believed. */
export function decodeTcpInfo(bytes: Buffer): TcpInfo | undefined {
  if (bytes.length < SHORTEST_BYTES) return undefined;
  return {
    state: stateName(bytes.readUInt8(0)),
    retransmits: bytes.readUInt8(2),
    probes: bytes.readUInt8(3),
    backoff: bytes.readUInt8(4),
    rtoMs: bytes.readUInt32LE(8) / 1000,
    unacked: bytes.readUInt32LE(24),
    lastDataReceivedMs: bytes.readUInt32LE(52),
    lastAckReceivedMs: bytes.readUInt32LE(56),
    rttMs: bytes.readUInt32LE(68) / 1000,
    totalRetransmissions: bytes.readUInt32LE(100),
    bytesAcked: Number(bytes.readBigUInt64LE(120)),
    bytesReceived: Number(bytes.readBigUInt64LE(128)),
    segmentsOut: bytes.readUInt32LE(136),
    segmentsIn: bytes.readUInt32LE(140),
    dataSegmentsIn: bytes.readUInt32LE(152),
    sendWindowBytes: bytes.length < SEND_WINDOW_AT + 4 ? null : bytes.readUInt32LE(SEND_WINDOW_AT),
  };
}
