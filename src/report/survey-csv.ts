import type { Moment } from '../core/fate.js';
import type { Connection, Survey } from '../core/survey.js';
import { csvLines, type CsvColumns } from './csv.js';
import { inPieces } from './pieces.js';
import { momentsOf } from './survey-words.js';

/** A line a connection. */
export function surveyCsv(survey: Survey, { headers }: { headers: boolean }): Iterable<string> {
  return inPieces(csvLines(columns, survey.connections, headers), (line) => line);
}

const columns: CsvColumns<Connection> = {
  local_address: ({ local }) => local.address,
  local_port: ({ local }) => local.port,
  peer_address: ({ peer }) => peer.address,
  peer_port: ({ peer }) => peer.port,
  state: ({ state }) => state,
  pid: ({ process }) => process?.pid ?? null,
  process: ({ process }) => process?.name ?? null,
  fd: ({ process }) => process?.fd ?? null,
  unit: ({ unit }) => unit,
  silent_ms: ({ silentMs }) => silentMs,
  timer: ({ timer }) => timer.kind,
  timer_expires_ms: ({ timer }) => timer.expiresInMs,
  retransmissions: ({ retransmissions }) => retransmissions,
  send_queue_bytes: ({ sendQueueBytes }) => sendQueueBytes,
  receive_queue_bytes: ({ receiveQueueBytes }) => receiveQueueBytes,
  keepalive: ({ keepalive }) => keepalive.kind,
  keepalive_idle_s: ({ keepalive }) => (keepalive.kind === 'known' ? keepalive.idleSeconds : null),
  keepalive_interval_s: ({ keepalive }) =>
    keepalive.kind === 'known' ? keepalive.intervalSeconds : null,
  keepalive_count: ({ keepalive }) => (keepalive.kind === 'known' ? keepalive.count : null),
  user_timeout_ms: ({ userTimeoutMs }) => userTimeoutMs,
  fate: ({ fate }) => fate.kind,
  ...moment('ends', ({ fate }) => momentsOf(fate).ends),
  ...moment('idle', ({ fate }) => momentsOf(fate).idle),
  ...moment('busy', ({ fate }) => momentsOf(fate).busy),
  ask: ({ ask }) => ask.kind,
  user_id: ({ userId }) => userId,
  cookie: ({ cookie }) => cookie,
  namespace: ({ namespace }) => namespace,
  unknown_because: unknownBecause,
};

function moment(
  prefix: string,
  of: (connection: Connection) => Moment | undefined,
): CsvColumns<Connection> {
  const end = (connection: Connection, which: 'min' | 'max') => {
    const found = of(connection);
    return found !== undefined && 'ms' in found ? found.ms[which] : null;
  };
  return {
    [prefix]: (connection) => of(connection)?.kind ?? null,
    [`${prefix}_min_ms`]: (connection) => end(connection, 'min'),
    [`${prefix}_max_ms`]: (connection) => end(connection, 'max'),
  };
}

/** Each reason once. */
function unknownBecause({ keepalive, fate }: Connection): string {
  const values = [keepalive, fate, ...Object.values(momentsOf(fate))];
  const reasons = values.flatMap((value) => (value.kind === 'unknown' ? [value.reason] : []));
  return [...new Set(reasons)].join('; ');
}
