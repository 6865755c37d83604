/** A quiet connection of a host, for tests to change. */
import type { Fate } from '../../src/core/fate.js';
import type { Connection } from '../../src/core/survey.js';

export const quiet: Connection = {
  local: { address: '10.0.0.1', port: 443 },
  peer: { address: '203.0.113.9', port: 50_000 },
  state: 'ESTABLISHED',
  process: { pid: 12, name: 'nginx', fd: 7 },
  unit: 'nginx.service',
  silentMs: 60_000,
  timer: { kind: 'none', expiresInMs: null },
  retransmissions: 0,
  sendQueueBytes: 0,
  receiveQueueBytes: 0,
  keepalive: { kind: 'off' },
  userTimeoutMs: 0,
  fate: { kind: 'forever', busy: { kind: 'never' } },
  ask: { kind: 'not-asked', reason: '' },
  userId: 33,
  cookie: '1a',
  interfaceIndex: 0,
  unansweredMs: null,
  optionsUnread: null,
  namespace: 'net:[1]',
};

const never = { kind: 'never' } as const;
/** One of each, the worst last. */
export const fates: readonly Fate[] = [
  { kind: 'closing', ends: never },
  { kind: 'armed', idle: never, busy: never },
  { kind: 'unknown', reason: '' },
  { kind: 'slow', ends: never },
  { kind: 'dying', ends: never },
  { kind: 'leaked' },
  { kind: 'forever', busy: never },
];
