/**
 * A connection as JSON, written out by hand: 50,000 of them take a third of the time of JSON.stringify,
 * which would still have to be searched for what a terminal acts on. Every number is finite.
 */
import type { Fate, Moment } from '../core/fate.js';
import type { Ask, Connection } from '../core/survey.js';
import type { SocketKeepalive } from '../core/socket.js';
import type { AsciiPieces } from './ascii-pieces.js';
import { asciiJson } from './json.js';

/**
 * What it takes to write connections: a seventh of the memory that their text would take. In numbers side
 * by side, with which V8 has less to do than with as many objects.
 */
export class JsonRows {
  #numbers: Int32Array = new Int32Array(FEW_ROWS * ROW_NUMBERS);
  readonly #silences: (number | null)[] = [];
  readonly #cookies: (string | null)[] = [];
  /** Up to the port, and what else there are fewer of than connections: by the numbers. */
  readonly #texts: Uint8Array[] = [];
  readonly #rests: Rest[] = [];
  readonly #localOf: (address: string) => number;
  readonly #peerOf: (address: string) => number;
  readonly #closing: string;
  readonly #last = new Map<
    number | undefined,
    { readonly of: Connection; readonly rest: number }
  >();

  constructor(opening: string, closing: string) {
    const keep = (text: string) => this.#texts.push(ascii(text)) - 1;
    this.#localOf = remembering((address) =>
      keep(`${opening}"local":{"address":${quoted(address)},"port":`),
    );
    this.#peerOf = remembering((address) => keep(`},"peer":{"address":${quoted(address)},"port":`));
    this.#closing = closing;
  }

  add(connection: Connection): void {
    const { local, peer, process, silentMs, cookie } = connection;
    const at = this.#cookies.length * ROW_NUMBERS;
    if (at === this.#numbers.length) this.#numbers = twiceAsLong(this.#numbers);
    const numbers = this.#numbers;
    numbers[at] = this.#localOf(local.address);
    numbers[at + 1] = local.port;
    numbers[at + 2] = this.#peerOf(peer.address);
    numbers[at + 3] = peer.port;
    numbers[at + 4] = process?.fd ?? NONE;
    numbers[at + 5] = this.#restOf(connection);
    this.#silences.push(silentMs);
    this.#cookies.push(cookie);
  }

  places(): Iterable<number> {
    return this.#cookies.keys();
  }

  /**
   * @param place the number of connections that were added before it
   * @param from how much of its opening is left out
   */
  write(place: number, out: AsciiPieces, from: number): void {
    const numbers = this.#numbers;
    const at = place * ROW_NUMBERS;
    const [local, peer] = [this.#texts[numbers[at] ?? NONE], this.#texts[numbers[at + 2] ?? NONE]];
    const rest = this.#rests[numbers[at + 5] ?? NONE];
    if (local === undefined || peer === undefined || rest === undefined) return;
    out.bytes(from === 0 ? local : local.subarray(from));
    out.number(numbers[at + 1] ?? 0);
    out.bytes(peer);
    out.number(numbers[at + 3] ?? 0);
    out.bytes(rest.state);
    const fd = numbers[at + 4] ?? NONE;
    if (fd !== NONE) {
      out.number(fd);
      out.bytes(rest.unit);
    }
    out.number(this.#silences[place] ?? null);
    out.bytes(rest.timer);
    const cookie = this.#cookies[place] ?? null;
    if (cookie === null) out.text('null');
    else out.json(cookie);
    out.bytes(rest.namespace);
  }

  /**
   * Idle connections of one process differ in their ends, their descriptor, their silence and their
   * cookie alone: the rest is written once for all that come one after the other.
   */
  #restOf(connection: Connection): number {
    const pid = connection.process?.pid;
    const last = this.#last.get(pid);
    if (last !== undefined && isAlike(last.of, connection)) return last.rest;
    const rest = this.#rests.push(restOf(connection, this.#closing)) - 1;
    this.#last.set(pid, { of: connection, rest });
    return rest;
  }
}

/** Two ends of an address and a port each, descriptor, rest. */
const ROW_NUMBERS = 6;
const FEW_ROWS = 1024;
/** No descriptor is below zero. */
const NONE = -1;

function twiceAsLong(numbers: Int32Array): Int32Array {
  const longer = new Int32Array(2 * numbers.length);
  longer.set(numbers);
  return longer;
}

/** Each stands between two figures of the connection's own. */
interface Rest {
  readonly state: Uint8Array;
  /** Of what nobody holds it is part of the state. */
  readonly unit: Uint8Array;
  readonly timer: Uint8Array;
  readonly namespace: Uint8Array;
}

function restOf(connection: Connection, closing: string): Rest {
  const { process, unit, timer, optionsUnread } = connection;
  const state = `},"state":${quoted(connection.state)},"process":`;
  const toSilence = `,"unit":${unit === null ? 'null' : quoted(unit)},"silentMs":`;
  return {
    state: ascii(
      process === null
        ? `${state}null${toSilence}`
        : `${state}{"pid":${process.pid},"name":${quoted(process.name)},"fd":`,
    ),
    unit: ascii(`}${toSilence}`),
    timer: ascii(
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
    ),
    namespace: ascii(
      `,"interfaceIndex":${connection.interfaceIndex}` +
        `,"namespace":${quoted(connection.namespace)}${closing}`,
    ),
  };
}

function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
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

/** An address that comes once must not cost an entry. */
const REMEMBERED = 256;

function remembering(keep: (text: string) => number): (text: string) => number {
  const known = new Map<string, number>();
  return (text) => {
    let place = known.get(text);
    if (place === undefined) {
      place = keep(text);
      if (known.size < REMEMBERED) known.set(text, place);
    }
    return place;
  };
}

/** Addresses, states, units and most names need no escape. */
function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : asciiJson(text);
}

const PLAIN = /^[\w .:,;%@/()[\]-]*$/;
