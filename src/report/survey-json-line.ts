/**
 * A connection as JSON, written out by hand: 50,000 of them take a third of the time of JSON.stringify,
 * which would still have to be searched for what a terminal acts on. Every number is finite.
 */
import type { Fate, Moment } from '../core/fate.js';
import type { Ask, Connection } from '../core/survey.js';
import type { SocketKeepalive } from '../core/socket.js';
import { asciiJson } from './json.js';

/**
 * Writes what stands between the braces. Idle connections of one process come one after the other
 * and differ in their ends, their descriptor, their silence and their cookie alone: the rest is
 * written once for all of them.
 */
export function connectionWriter(): (connection: Connection) => string {
  const address = remembering(quoted);
  let written: { readonly of: Connection; readonly rest: Rest } | undefined;
  return (connection) => {
    if (written === undefined || !isAlike(written.of, connection)) {
      written = { of: connection, rest: inOnePiece(restOf(connection)) };
    }
    const { rest } = written;
    const { local, peer, process, cookie } = connection;
    const descriptor = process === null ? '' : process.fd;
    return (
      `"local":{"address":${address(local.address)},"port":${local.port}` +
      `},"peer":{"address":${address(peer.address)},"port":${peer.port}` +
      `${rest.state}${descriptor}${rest.unit}${connection.silentMs}` +
      `${rest.timer}${cookie === null ? 'null' : quoted(cookie)}${rest.namespace}`
    );
  };
}

/** Each stands between two figures of the connection's own. */
interface Rest {
  readonly state: string;
  readonly unit: string;
  readonly timer: string;
  readonly namespace: string;
}

function restOf(connection: Connection): Rest {
  const { process, unit, timer, optionsUnread } = connection;
  return {
    state:
      `},"state":${quoted(connection.state)},"process":` +
      (process === null ? 'null' : `{"pid":${process.pid},"name":${quoted(process.name)},"fd":`),
    unit:
      (process === null ? '' : '}') +
      `,"unit":${unit === null ? 'null' : quoted(unit)},"silentMs":`,
    timer:
      `,"timer":{"kind":"${timer.kind}","expiresInMs":${timer.expiresInMs}}` +
      `,"unansweredMs":${connection.unansweredMs}` +
      `,"retransmissions":${connection.retransmissions}` +
      `,"sendQueueBytes":${connection.sendQueueBytes}` +
      `,"receiveQueueBytes":${connection.receiveQueueBytes}` +
      `,"keepalive":${keepaliveText(connection.keepalive)}` +
      `,"userTimeoutMs":${connection.userTimeoutMs}` +
      `,"optionsUnread":${optionsUnread === null ? 'null' : quoted(optionsUnread)}` +
      `,"fate":${fateText(connection.fate)},"ask":${askText(connection.ask)}` +
      `,"userId":${connection.userId},"cookie":`,
    namespace:
      `,"interfaceIndex":${connection.interfaceIndex}` +
      `,"namespace":${quoted(connection.namespace)}`,
  };
}

/** V8 keeps what was put together as a tree, to be walked again for every line that it is part of. */
function inOnePiece({ state, unit, timer, namespace }: Rest): Rest {
  const piece = (text: string) => Buffer.from(text, 'latin1').toString('latin1');
  return {
    state: piece(state),
    unit: piece(unit),
    timer: piece(timer),
    namespace: piece(namespace),
  };
}

/** In everything but their ends, descriptor, silence and cookie; the shared parts by identity. */
function isAlike(a: Connection, b: Connection): boolean {
  return (
    a.fate === b.fate &&
    a.timer === b.timer &&
    a.keepalive === b.keepalive &&
    a.ask === b.ask &&
    a.process?.pid === b.process?.pid &&
    a.process?.name === b.process?.name &&
    a.unit === b.unit &&
    a.state === b.state &&
    a.unansweredMs === b.unansweredMs &&
    a.retransmissions === b.retransmissions &&
    a.sendQueueBytes === b.sendQueueBytes &&
    a.receiveQueueBytes === b.receiveQueueBytes &&
    a.userTimeoutMs === b.userTimeoutMs &&
    a.optionsUnread === b.optionsUnread &&
    a.interfaceIndex === b.interfaceIndex &&
    a.userId === b.userId &&
    a.namespace === b.namespace
  );
}

function keepaliveText(keepalive: SocketKeepalive): string {
  if (keepalive.kind === 'off') return '{"kind":"off"}';
  if (keepalive.kind === 'unknown') return unknownText(keepalive);
  const { idleSeconds, intervalSeconds, count } = keepalive;
  return `{"kind":"known","idleSeconds":${idleSeconds},"intervalSeconds":${intervalSeconds},"count":${count}}`;
}

function fateText(fate: Fate): string {
  switch (fate.kind) {
    case 'forever':
      return `{"kind":"forever","busy":${momentText(fate.busy)}}`;
    case 'armed':
      return `{"kind":"armed","idle":${momentText(fate.idle)},"busy":${momentText(fate.busy)}}`;
    case 'dying':
    case 'slow':
    case 'closing':
      return `{"kind":"${fate.kind}","ends":${momentText(fate.ends)}}`;
    case 'leaked':
      return '{"kind":"leaked"}';
    case 'unknown':
      return unknownText(fate);
  }
}

function momentText(moment: Moment): string {
  switch (moment.kind) {
    case 'within':
      return `{"kind":"within","ms":{"min":${moment.ms.min},"max":${moment.ms.max}}}`;
    case 'assumed':
      return `{"kind":"assumed","ms":{"min":${moment.ms.min},"max":${moment.ms.max}},"assuming":${quoted(moment.assuming)}}`;
    case 'never':
      return '{"kind":"never"}';
    case 'unknown':
      return unknownText(moment);
  }
}

function askText(ask: Ask): string {
  return ask.kind === 'not-asked'
    ? `{"kind":"not-asked","reason":${quoted(ask.reason)}}`
    : `{"kind":"${ask.kind}"}`;
}

function unknownText({ reason }: { readonly reason: string }): string {
  return `{"kind":"unknown","reason":${quoted(reason)}}`;
}

/** A key that comes once must not cost an entry. */
const REMEMBERED = 256;

function remembering<Key>(write: (key: Key) => string): (key: Key) => string {
  const texts = new Map<Key, string>();
  return (key) => {
    const known = texts.get(key);
    if (known !== undefined) return known;
    const text = write(key);
    if (texts.size < REMEMBERED) texts.set(key, text);
    return text;
  };
}

/** Addresses, states, units and most names need no escape. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : asciiJson(text);
}

const PLAIN = /^[\w .:,;%@/()[\]-]*$/;
