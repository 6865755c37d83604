/**
 * A socket as ss of iproute2 prints it: inet_show_sock, tcp_stats_print and print_ms_timer of
 * misc/ss.c, word by word. Slow and obvious on purpose: `parseSs` must read it back.
 */
import { isIPv6 } from 'node:net';
import type { Endpoint } from '../../src/core/endpoint.js';
import type { HostSocket } from '../../src/core/socket.js';
import type { SsSocket } from '../../src/core/ss-text.js';

/** Two lines, or one (-O). */
export function printSs({ socket, owner, cgroup }: SsSocket, oneline: boolean): string {
  const { state, receiveQueueBytes, sendQueueBytes, local, peer, userId, inode, cookie } = socket;
  const words = [
    STATES[state] ?? state,
    receiveQueueBytes,
    sendQueueBytes,
    printEndpoint(local),
    printEndpoint(peer),
    owner === null ? '' : `users:(("${owner.name}",pid=${owner.pid},fd=${owner.fd}))`,
    printTimer(socket),
    userId === 0 ? '' : `uid:${userId}`,
    `ino:${inode}`,
    cookie === null ? '' : `sk:${cookie}`,
    cgroup === null ? '' : `cgroup:${cgroup}`,
    '<->',
  ];
  const first = words.filter((word) => word !== '').join('  ');
  return `${first}${oneline ? ' ' : '\n\t'} ${printInfo(socket)}\n`;
}

/** print_ms_timer. */
export function printMsTimer(timeout: number): string {
  let secs = Math.floor(timeout / 1000);
  const minutes = Math.floor(secs / 60);
  secs %= 60;
  let msecs = timeout % 1000;
  let text = '';
  if (minutes > 0) {
    msecs = 0;
    text = `${minutes}min`;
    if (minutes > 9) secs = 0;
  }
  if (secs > 0) {
    if (secs > 9) msecs = 0;
    text += `${secs}${msecs > 0 ? '.' : 'sec'}`;
  }
  if (msecs > 0) text += `${String(msecs).padStart(3, '0')}ms`;
  return text;
}

const STATES: Readonly<Record<string, string>> = { ESTABLISHED: 'ESTAB', CLOSE: 'UNCONN' };

const TIMERS: Readonly<Record<string, string>> = {
  retransmit: 'on',
  keepalive: 'keepalive',
  'time-wait': 'timewait',
  'zero-window': 'persist',
  other: 'unknown',
};

function printEndpoint({ address, port }: Endpoint): string {
  const bracketed = isIPv6(address) ? `[${address}]` : address;
  return `${bracketed}:${port === 0 ? '*' : port}`;
}

function printTimer({ timer, retransmissions }: HostSocket): string {
  const { kind, expiresInMs } = timer;
  if (expiresInMs === null) return '';
  return `timer:(${TIMERS[kind] ?? ''},${printMsTimer(expiresInMs)},${retransmissions})`;
}

function printInfo({ state, info }: HostSocket): string {
  if (info === null) return state === 'LISTEN' ? 'cubic cwnd:10' : '';
  const { rtoMs, backoff, rttMs, silentMs, windowBytes } = info;
  return [
    'ts sack cubic wscale:7,7',
    rtoMs === 3000 ? '' : `rto:${rtoMs}`,
    backoff === 0 ? '' : `backoff:${backoff}`,
    rttMs === 0 ? '' : `rtt:${rttMs}/${rttMs / 2}`,
    'mss:1448 pmtu:1500 cwnd:10 send 436906666667bps',
    silentMs === 0 ? '' : `lastsnd:7 lastrcv:${silentMs + 5} lastack:${silentMs}`,
    'rcv_space:65483 minrtt:0.006',
    windowBytes === 0 ? '' : `snd_wnd:${windowBytes}`,
  ].join(' ');
}
