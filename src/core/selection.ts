/** Which connections are meant: the filters of `ls`, `protect` and `reap`, all of which must hold. */
import { isWithin, parsePrefix, type Prefix } from './address.js';
import { parsePort, type Endpoint } from './endpoint.js';
import { fateKinds, type FateKind } from './fate.js';
import type { Connection, Listener } from './survey.js';
import { tcpStates } from './socket.js';
import { TcpaliveError } from '../errors.js';

export interface Selection {
  readonly local?: EndpointPattern | undefined;
  readonly peer?: EndpointPattern | undefined;
  /** Of either end. */
  readonly port?: number | undefined;
  readonly pid?: number | undefined;
  readonly unit?: string | undefined;
  readonly states?: readonly string[] | undefined;
  readonly fates?: readonly FateKind[] | undefined;
  /** Nothing was received for at least that long. */
  readonly silentMs?: number | undefined;
}

/** Undefined: any. */
export interface EndpointPattern {
  /** As it was written. */
  readonly text: string;
  readonly prefix: Prefix | undefined;
  readonly port: number | undefined;
}

export function selects(selection: Selection, connection: Connection): boolean {
  const { local, peer, unit, state, fate, silentMs } = connection;
  const { port } = selection;
  return (
    (selection.local === undefined || matches(selection.local, local)) &&
    (selection.peer === undefined || matches(selection.peer, peer)) &&
    (port === undefined || local.port === port || peer.port === port) &&
    (selection.pid === undefined || connection.process?.pid === selection.pid) &&
    (selection.unit === undefined || isUnit(unit, selection.unit)) &&
    (selection.states?.includes(state) ?? true) &&
    (selection.fates?.includes(fate.kind) ?? true) &&
    (selection.silentMs === undefined || (silentMs !== null && silentMs >= selection.silentMs))
  );
}

/** Of a listener what it has: its end, its process. Asked about what only a connection has, none is meant. */
export function selectsListener(selection: Selection, listener: Listener): boolean {
  const { local, unit } = listener;
  return (
    selection.states === undefined &&
    selection.fates === undefined &&
    selection.peer === undefined &&
    selection.silentMs === undefined &&
    (selection.local === undefined || matches(selection.local, local)) &&
    (selection.port === undefined || local.port === selection.port) &&
    (selection.pid === undefined || listener.process?.pid === selection.pid) &&
    (selection.unit === undefined || isUnit(unit, selection.unit))
  );
}

export function isEmpty(selection: Selection): boolean {
  return Object.values(selection).every((wanted) => wanted === undefined);
}

/** `nginx` means `nginx.service` too. */
export function isUnit(unit: string | null, wanted: string): boolean {
  return unit === wanted || unit === `${wanted}.service`;
}

/**
 * `10.0.0.0/8`, `10.0.0.0/8:443`, `:443`, `[2001:db8::/32]:443`, `2001:db8::/32`, `*:443`.
 * @throws TcpaliveError BAD_USAGE
 */
export function parseEndpointPattern(text: string): EndpointPattern {
  const [, bracketed, bracketedPort] = /^\[([^\]]+)\](?::([^:]*))?$/.exec(text) ?? [];
  if (bracketed !== undefined) return pattern(text, bracketed, bracketedPort);
  const colons = text.split(':').length - 1;
  if (colons > 1) return pattern(text, text, undefined);
  const [address = '', port] = text.split(':');
  return pattern(text, address === '' || address === '*' ? undefined : address, port);
}

function pattern(
  text: string,
  address: string | undefined,
  port: string | undefined,
): EndpointPattern {
  const prefix = address === undefined ? undefined : parsePrefix(address);
  if (text === '' || (address !== undefined && prefix === undefined)) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${text}' is not ADDRESS, ADDRESS/BITS, :PORT or both, such as 10.0.0.0/8:443 or [2001:db8::/32]:443`,
    );
  }
  return { text, prefix, port: port === undefined ? undefined : parsePort(port) };
}

/** @throws TcpaliveError BAD_USAGE */
export function parseFate(text: string): FateKind {
  const fate = fateKinds.find((known) => known === text);
  if (fate !== undefined) return fate;
  throw new TcpaliveError('BAD_USAGE', `'${text}' is not a fate: ${fateKinds.join(', ')}`);
}

/** That a connection can be in. */
const STATES = tcpStates.filter((state) => !['UNKNOWN', 'CLOSE', 'LISTEN'].includes(state));

/** In any case, and as ss shortens it: `ESTAB`. @throws TcpaliveError BAD_USAGE */
export function parseState(text: string): string {
  const wanted = text.toUpperCase() === 'ESTAB' ? 'ESTABLISHED' : text.toUpperCase();
  const state = STATES.find((known) => known === wanted);
  if (state !== undefined) return state;
  throw new TcpaliveError('BAD_USAGE', `'${text}' is not a state: ${STATES.join(', ')}`);
}

function matches({ prefix, port }: EndpointPattern, { address, port: actual }: Endpoint): boolean {
  return (
    (port === undefined || port === actual) && (prefix === undefined || isWithin(prefix, address))
  );
}
