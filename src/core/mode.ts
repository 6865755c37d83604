/**
 * How an observer finds out that its peer is gone: one grammar for every flag, file and table.
 *
 *     none · keepalive=IDLE:INTERVAL:COUNT · keepalive=system · user-timeout=T
 *     heartbeat=INTERVAL:TIMEOUT · idle-timeout=T · rto-max=T · combined with `+`
 */
import { TcpaliveError } from '../errors.js';
import { formatDuration, parseDuration } from './duration.js';
import { parseList } from './list.js';

/** TCP_KEEPIDLE, TCP_KEEPINTVL (whole seconds 1…32767) and TCP_KEEPCNT (1…127), tcp(7). */
export interface KeepaliveSettings {
  readonly idleSeconds: number;
  readonly intervalSeconds: number;
  readonly count: number;
}

export function sameKeepalive(a: KeepaliveSettings, b: KeepaliveSettings): boolean {
  return (
    a.idleSeconds === b.idleSeconds &&
    a.intervalSeconds === b.intervalSeconds &&
    a.count === b.count
  );
}

/** A beat every `intervalMs`; given up `timeoutMs` after the last received byte. */
export interface HeartbeatSettings {
  readonly intervalMs: number;
  readonly timeoutMs: number;
}

/** An empty object is the mode `none`. */
export interface Mode {
  /** `system`: SO_KEEPALIVE with the host's own net.ipv4.tcp_keepalive_* values. */
  readonly keepalive?: KeepaliveSettings | 'system';
  /** TCP_USER_TIMEOUT, RFC 5482. */
  readonly userTimeoutMs?: number;
  readonly heartbeat?: HeartbeatSettings;
  readonly idleTimeoutMs?: number;
  /** TCP_RTO_MAX_MS (Linux 6.15 and later): the longest pause between two retransmissions. */
  readonly rtoMaxMs?: number;
}

const GRAMMAR =
  'none, keepalive=IDLE:INTERVAL:COUNT, keepalive=system, user-timeout=T, ' +
  'heartbeat=INTERVAL:TIMEOUT, idle-timeout=T or rto-max=T, combined with +';

/** MAX_TCP_KEEPIDLE, MAX_TCP_KEEPINTVL and MAX_TCP_KEEPCNT in include/net/tcp.h. */
const KEEPALIVE_MAX_SECONDS = 32_767;
const KEEPALIVE_MAX_COUNT = 127;

/** Longer than any experiment. */
const UNJUDGED_MS = 7 * 24 * 3_600_000;

/** Shorter beats would measure our own event loop. */
const SHORTEST_BEAT_MS = 10;

/** @throws TcpaliveError BAD_USAGE naming the value and what is accepted. */
export function parseMode(text: string): Mode {
  if (text === 'none') return {};
  let mode: Mode = {};
  for (const term of text.split('+')) {
    const [kind, value] = splitOnce(term, '=');
    const parsed = parseTerm(kind, value, text);
    const twice = Object.keys(parsed).some((key) => key in mode);
    if (twice) throw new TcpaliveError('BAD_USAGE', `'${text}' has two ${kind} modes: keep one`);
    mode = { ...mode, ...parsed };
  }
  return mode;
}

/** Comma-separated modes, at least one. @throws TcpaliveError BAD_USAGE */
export function parseModes(text: string): readonly Mode[] {
  return parseList(text, parseMode);
}

/** The canonical spelling; `parseMode` reads it back to an equal mode. */
export function formatMode(mode: Mode): string {
  const { keepalive, userTimeoutMs, heartbeat, idleTimeoutMs, rtoMaxMs } = mode;
  const terms: string[] = [];
  if (keepalive === 'system') terms.push('keepalive=system');
  else if (keepalive !== undefined) {
    terms.push(
      `keepalive=${keepalive.idleSeconds}s:${keepalive.intervalSeconds}s:${keepalive.count}`,
    );
  }
  if (userTimeoutMs !== undefined) terms.push(`user-timeout=${formatDuration(userTimeoutMs)}`);
  if (heartbeat !== undefined) {
    const { intervalMs, timeoutMs } = heartbeat;
    terms.push(`heartbeat=${formatDuration(intervalMs)}:${formatDuration(timeoutMs)}`);
  }
  if (idleTimeoutMs !== undefined) terms.push(`idle-timeout=${formatDuration(idleTimeoutMs)}`);
  if (rtoMaxMs !== undefined) terms.push(`rto-max=${formatDuration(rtoMaxMs)}`);
  return terms.length === 0 ? 'none' : terms.join('+');
}

/**
 * The mode of a peer that sends `mode`'s beats and judges nothing itself: when it has
 * vanished it goes on in vain, as a phone without signal would.
 */
export function beatsOnly({ heartbeat }: Mode): Mode {
  return heartbeat === undefined ? {} : { heartbeat: { ...heartbeat, timeoutMs: UNJUDGED_MS } };
}

/** The rest of a mode, where its beats are somebody else's work. */
export function withoutBeats(mode: Mode): Mode {
  const { heartbeat, ...rest } = mode;
  return heartbeat === undefined ? mode : rest;
}

function parseTerm(kind: string, value: string | undefined, whole: string): Mode {
  switch (kind) {
    case 'keepalive':
      return { keepalive: value === 'system' ? 'system' : parseKeepalive(value ?? '60s:10s:6') };
    case 'user-timeout':
      return { userTimeoutMs: parseUserTimeout(value ?? '2m') };
    case 'heartbeat':
      return { heartbeat: parseHeartbeat(value ?? '1s:3s') };
    case 'idle-timeout':
      return { idleTimeoutMs: parseField(value ?? '5m', `idle-timeout=${value ?? ''}`) };
    case 'rto-max':
      return { rtoMaxMs: parseRtoMax(value) };
    case 'none':
      throw new TcpaliveError('BAD_USAGE', `'${whole}': none cannot be combined`);
    default:
      throw new TcpaliveError('BAD_USAGE', `'${kind}' is not a mode: ${GRAMMAR}`);
  }
}

/** `60s:10s:6`. @throws TcpaliveError BAD_USAGE */
export function parseKeepalive(value: string): KeepaliveSettings {
  const term = `keepalive=${value}`;
  const fields = value.split(':');
  const [idle = '', interval = '', count = ''] = fields;
  if (fields.length !== 3) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${term}' must be keepalive=IDLE:INTERVAL:COUNT, such as keepalive=60s:10s:6`,
    );
  }
  if (!/^\d+$/.test(count) || Number(count) < 1 || Number(count) > KEEPALIVE_MAX_COUNT) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${term}': the count is a whole number, 1 to ${KEEPALIVE_MAX_COUNT}`,
    );
  }
  if (isBareNumber(idle) || isBareNumber(interval)) {
    const meant = `keepalive=${withUnit(idle)}:${withUnit(interval)}:${count}`;
    if (Number.parseInt(idle) > 0 && Number.parseInt(interval) > 0) {
      throw new TcpaliveError('BAD_USAGE', `'${term}' has no units: did you mean ${meant}?`);
    }
  }
  return {
    idleSeconds: parseKeepaliveSeconds(idle, term),
    intervalSeconds: parseKeepaliveSeconds(interval, term),
    count: Number(count),
  };
}

function parseKeepaliveSeconds(field: string, term: string): number {
  const limit = `keepalive takes whole seconds, 1s to ${KEEPALIVE_MAX_SECONDS}s`;
  if (/^0+[a-z]*$/.test(field)) {
    throw new TcpaliveError('BAD_USAGE', `'${term}': '${field}' is too short, ${limit}`);
  }
  const seconds = parseField(field, term) / 1000;
  if (!Number.isInteger(seconds) || seconds > KEEPALIVE_MAX_SECONDS) {
    throw new TcpaliveError('BAD_USAGE', `'${term}': '${field}' cannot be had, ${limit}`);
  }
  return seconds;
}

/** TCP_USER_TIMEOUT is an int of milliseconds, tcp(7). @throws TcpaliveError BAD_USAGE */
export function parseUserTimeout(value: string): number {
  const term = `user-timeout=${value}`;
  const timeoutMs = parseField(value, term);
  if (!Number.isInteger(timeoutMs)) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${term}': '${value}' cannot be had, user-timeout takes whole milliseconds`,
    );
  }
  return timeoutMs;
}

/** TCP_RTO_MAX_MIN_SEC to TCP_RTO_MAX_SEC, include/net/tcp.h, in milliseconds. */
function parseRtoMax(value: string | undefined): number {
  const term = `rto-max=${value ?? ''}`;
  const rtoMaxMs = value === undefined ? Number.NaN : parseField(value, term);
  if (Number.isInteger(rtoMaxMs) && rtoMaxMs >= 1000 && rtoMaxMs <= 120_000) return rtoMaxMs;
  throw new TcpaliveError('BAD_USAGE', `'${term}' cannot be had: rto-max takes 1s to 2m`);
}

function parseHeartbeat(value: string): HeartbeatSettings {
  const term = `heartbeat=${value}`;
  const fields = value.split(':');
  const [interval = '', timeout = ''] = fields;
  if (fields.length !== 2) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${term}' must be heartbeat=INTERVAL:TIMEOUT, such as heartbeat=1s:3s`,
    );
  }
  if (isBareNumber(interval) || isBareNumber(timeout)) {
    const meant = `heartbeat=${withUnit(interval)}:${withUnit(timeout)}`;
    throw new TcpaliveError('BAD_USAGE', `'${term}' has no units: did you mean ${meant}?`);
  }
  const intervalMs = parseField(interval, term);
  const timeoutMs = parseField(timeout, term);
  if (intervalMs < SHORTEST_BEAT_MS) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${term}': '${interval}' is too short, at least ${SHORTEST_BEAT_MS}ms`,
    );
  }
  if (timeoutMs <= intervalMs) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${term}': the timeout ${timeout} must be longer than the interval ${interval}, ` +
        'or every connection is given up between two beats',
    );
  }
  return { intervalMs, timeoutMs };
}

function parseField(field: string, term: string): number {
  try {
    return parseDuration(field);
  } catch (error) {
    if (!(error instanceof TcpaliveError)) throw error;
    throw new TcpaliveError('BAD_USAGE', `'${term}': ${error.message}`);
  }
}

function isBareNumber(field: string): boolean {
  return /^\d+(\.\d+)?$/.test(field);
}

function withUnit(field: string): string {
  return isBareNumber(field) ? `${field}s` : field;
}

function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
