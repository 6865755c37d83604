/** A server in the outage, without a kernel: nginx holds what nobody will ever notice. */
import type { Fate, Moment } from '../../src/core/fate.js';
import {
  countByFate,
  type Connection,
  type Listener,
  type ProcessSummary,
  type Survey,
} from '../../src/core/survey.js';
import { worstFirst } from '../../src/core/worst-first.js';

const HOUR_MS = 3_600_000;

const busy: Moment = { kind: 'within', ms: { min: 924_600, max: 948_100 } };
export const never: Moment = { kind: 'never' };

const forever: Fate = { kind: 'forever', busy };
export const armed: Fate = {
  kind: 'armed',
  idle: { kind: 'within', ms: { min: 110_000, max: 119_900 } },
  busy,
};
export const dying: Fate = {
  kind: 'dying',
  ends: { kind: 'within', ms: { min: 3000, max: 4128 } },
};

/** Of nginx, idle and without a timer, until told otherwise. */
export function connectionOf(changes: Partial<Connection> = {}): Connection {
  return {
    local: { address: '10.0.0.5', port: 443 },
    peer: { address: '192.0.2.7', port: 40_001 },
    state: 'ESTABLISHED',
    process: { pid: 812, name: 'nginx', fd: 9 },
    unit: 'nginx.service',
    silentMs: 3 * HOUR_MS + 720_000,
    timer: { kind: 'none', expiresInMs: null },
    retransmissions: 0,
    sendQueueBytes: 0,
    receiveQueueBytes: 0,
    keepalive: { kind: 'off' },
    userTimeoutMs: 0,
    fate: forever,
    ask: { kind: 'not-asked', reason: 'nobody was asked' },
    userId: 33,
    cookie: '1a2b',
    interfaceIndex: 0,
    unansweredMs: null,
    optionsUnread: null,
    namespace: 'net:[4026531840]',
    ...changes,
  };
}

/** `count` of them, each from a port of its own. */
export function connectionsOf(
  count: number,
  changes: Partial<Connection> = {},
): readonly Connection[] {
  return Array.from({ length: count }, (_, at) =>
    connectionOf({
      cookie: `${(changes.peer?.port ?? 40_001) + at}`,
      peer: { address: '192.0.2.7', port: 40_001 + at },
      ...changes,
    }),
  );
}

export function processOf(
  connections: readonly Connection[],
  changes: Partial<ProcessSummary> = {},
): ProcessSummary {
  const pid = changes.pid ?? 812;
  const held = connections.filter(({ process }) => process?.pid === pid);
  return {
    pid,
    name: 'nginx',
    unit: 'nginx.service',
    ports: [80, 443],
    connections: held.length,
    byFate: countByFate(held),
    fds: 330,
    fdLimit: 1024,
    ...changes,
  };
}

export function listenerOf(changes: Partial<Listener> = {}): Listener {
  return {
    local: { address: '0.0.0.0', port: 443 },
    process: { pid: 812, name: 'nginx', fd: 6 },
    unit: 'nginx.service',
    waiting: 0,
    backlog: 511,
    keepalive: { kind: 'off' },
    userTimeoutMs: 0,
    optionsUnread: null,
    userId: 33,
    cookie: '11',
    namespace: 'net:[4026531840]',
    ...changes,
  };
}

export const armedTimer = { kind: 'keepalive', expiresInMs: 45_200 } as const;

export const outage: readonly Connection[] = [
  ...connectionsOf(312),
  connectionOf({
    peer: { address: '198.51.100.23', port: 51_002 },
    timer: { kind: 'retransmit', expiresInMs: 12_300 },
    retransmissions: 5,
    sendQueueBytes: 517,
    silentMs: 61_000,
    fate: dying,
  }),
  connectionOf({
    local: { address: '10.0.0.5', port: 51_514 },
    peer: { address: '10.0.0.9', port: 5432 },
    state: 'CLOSE-WAIT',
    process: { pid: 2301, name: 'node', fd: 21 },
    unit: 'api.service',
    silentMs: 17 * 24 * HOUR_MS + 4 * HOUR_MS,
    fate: { kind: 'leaked' },
  }),
  ...connectionsOf(4, {
    local: { address: '10.0.0.5', port: 22 },
    process: { pid: 640, name: 'sshd', fd: 4 },
    unit: 'ssh.service',
    silentMs: 12_345,
    timer: armedTimer,
    keepalive: { kind: 'known', idleSeconds: 60, intervalSeconds: 10, count: 6 },
    fate: armed,
  }),
];

export function surveyOf(
  connections: readonly Connection[] = outage,
  changes: Partial<Survey> = {},
): Survey {
  return {
    schema: 'tcpalive/ls/1',
    complete: true,
    takenAt: '2026-11-20T14:02:07.123Z',
    host: { kernel: '6.18.44', hz: 250 },
    namespaces: [
      { id: 'net:[4026531840]', name: 'host', shown: true },
      { id: 'net:[4026532201]', name: 'blue', shown: false },
      { id: 'net:[4026532202]', name: 'redis[91]', shown: false },
    ],
    partial: false,
    notes: [],
    processes: [
      processOf(connections, { fds: 940 }),
      processOf(connections, {
        pid: 2301,
        name: 'node',
        unit: 'api.service',
        ports: [],
        fds: 25,
        fdLimit: 65_536,
      }),
      processOf(connections, { pid: 640, name: 'sshd', unit: 'ssh.service', ports: [22], fds: 9 }),
    ].filter((process) => process.connections > 0),
    listeners: [listenerOf(), listenerOf({ local: { address: '::', port: 22 } })],
    connections: worstFirst(connections),
    ...changes,
  };
}
