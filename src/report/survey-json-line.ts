/**
 * A connection as JSON, written out by hand: 50,000 of them take about half the time of JSON.stringify,
 * which would still have to be searched for what a terminal acts on. Every number is finite.
 */
import type { Fate, Moment } from '../core/fate.js';
import type { Ask, Connection } from '../core/survey.js';
import type { SocketKeepalive } from '../core/socket.js';
import { asciiJson } from './json.js';

/** Writes what stands between the braces, and remembers the parts that connections share. */
export function connectionWriter(): (connection: Connection) => string {
  const shared = remembering(quoted);
  const keepalive = remembering(keepaliveText);
  const fate = remembering(fateText);
  const ask = remembering(askText);
  return (connection) => {
    const { local, peer, process, unit, timer, cookie } = connection;
    return (
      `"local":{"address":${shared(local.address)},"port":${local.port}}` +
      `,"peer":{"address":${quoted(peer.address)},"port":${peer.port}}` +
      `,"state":${shared(connection.state)},"process":${process === null ? 'null' : `{"pid":${process.pid},"name":${shared(process.name)},"fd":${process.fd}}`}` +
      `,"unit":${unit === null ? 'null' : shared(unit)},"silentMs":${connection.silentMs}` +
      `,"timer":{"kind":"${timer.kind}","expiresInMs":${timer.expiresInMs}}` +
      `,"retransmissions":${connection.retransmissions}` +
      `,"sendQueueBytes":${connection.sendQueueBytes},"receiveQueueBytes":${connection.receiveQueueBytes}` +
      `,"keepalive":${keepalive(connection.keepalive)},"userTimeoutMs":${connection.userTimeoutMs}` +
      `,"fate":${fate(connection.fate)},"ask":${ask(connection.ask)},"userId":${connection.userId}` +
      `,"cookie":${cookie === null ? 'null' : quoted(cookie)},"namespace":${shared(connection.namespace)}`
    );
  };
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

/** As many as are ever shared: a key that comes once must not cost an entry. */
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
