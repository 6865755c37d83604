/**
 * A connection as JSON, written out by hand: 50,000 of them take a third of the time of JSON.stringify,
 * which would still have to be searched for what a terminal acts on. Every number is finite.
 */
import type { Fate, Moment } from '../core/fate.js';
import {
  IDLE_COOKIE_HIGH,
  IDLE_COOKIE_LOW,
  IDLE_INODE,
  IDLE_RECEIVE_QUEUE,
  IDLE_SILENT_MS,
  IDLE_SORT,
} from '../core/idle-sockets.js';
import { sameKeepalive } from '../core/mode.js';
import type { Ask, Connection } from '../core/survey.js';
import type { SocketKeepalive } from '../core/socket.js';
import { fateRank } from '../core/worst-first.js';
import type { AsciiPieces } from './ascii-pieces.js';
import { digitsOf, hexDigitsOf, LARGEST_WORD, putDigits, putHexDigits } from './digits.js';
import { asciiJson } from './json.js';

/** A row's columns are those of an idle socket: in the place of its sort its rest, of its file's the descriptor. */
export const REST = IDLE_SORT;
export const FD = IDLE_INODE;

/**
 * A connection's line from behind its ports on, and that of whatever is like it: the text stays, and the figures
 * in it are written anew.
 */
export class RestOfLine {
  readonly fateRank: number;
  readonly isHeard: boolean;
  readonly #isHeld: boolean;
  readonly #isTimed: boolean;
  readonly #isQueued: boolean;
  readonly #isNamed: boolean;
  #text: Uint8Array;
  /** How much room each figure has in the text, 0 where there is none, and where it ends. */
  #digits: readonly number[];
  #ends: readonly number[];

  constructor(connection: Connection, closing: string) {
    const { process, unit, timer, silentMs, receiveQueueBytes, cookie, optionsUnread } = connection;
    this.fateRank = fateRank(connection.fate.kind);
    this.isHeard = isWord(silentMs);
    this.#isHeld = process !== null;
    this.#isTimed = isWord(timer.expiresInMs);
    this.#isQueued = isWord(receiveQueueBytes);
    this.#isNamed = isHex(cookie);
    const quote = this.#isNamed ? '"' : '';
    // Between these stand the figures. What is none of 32 or 64 bits is a part of the text.
    const parts = [
      `},"state":${quoted(connection.state)},"process":` +
        (process === null ? 'null' : `{"pid":${process.pid},"name":${quoted(process.name)},"fd":`),
      `${process === null ? '' : '}'},"unit":${unit === null ? 'null' : quoted(unit)},"silentMs":`,
      `${this.isHeard ? '' : silentMs},"timer":{"kind":"${timer.kind}","expiresInMs":`,
      `${this.#isTimed ? '' : timer.expiresInMs}},"unansweredMs":${connection.unansweredMs}` +
        `,"retransmissions":${connection.retransmissions}` +
        `,"sendQueueBytes":${connection.sendQueueBytes},"receiveQueueBytes":`,
      `${this.#isQueued ? '' : receiveQueueBytes},"keepalive":${keepaliveText(connection.keepalive)}` +
        `,"userTimeoutMs":${connection.userTimeoutMs}` +
        `,"optionsUnread":${optionsUnread === null ? 'null' : quoted(optionsUnread)}` +
        `,"fate":${fateText(connection.fate)},"ask":${askText(connection.ask)}` +
        `,"userId":${connection.userId},"cookie":${quote}`,
      `${this.#isNamed ? quote : asciiJson(cookie)},"interfaceIndex":${connection.interfaceIndex}` +
        `,"namespace":${quoted(connection.namespace)}${closing}`,
    ];
    const figures = [
      process === null ? '' : `${process.fd}`,
      this.isHeard ? `${silentMs}` : '',
      this.#isTimed ? `${timer.expiresInMs}` : '',
      this.#isQueued ? `${receiveQueueBytes}` : '',
      isHex(cookie) ? cookie : '',
    ];
    this.#text = ascii(parts.map((part, at) => part + (figures[at] ?? '')).join(''));
    this.#digits = figures.map(({ length }) => length);
    let end = 0;
    this.#ends = this.#digits.map((digits, at) => (end += (parts[at]?.length ?? 0) + digits));
  }

  /**
   * @param at where its numbers begin, among those of many: an object each would be garbage at once
   * @param expiresInMs 0 where it has no timer
   */
  write(out: AsciiPieces, numbers: Uint32Array, at: number, expiresInMs: number): void {
    const fd = numbers[at + FD] ?? 0;
    const silentMs = numbers[at + IDLE_SILENT_MS] ?? 0;
    const receiveQueueBytes = numbers[at + IDLE_RECEIVE_QUEUE] ?? 0;
    const cookieLow = numbers[at + IDLE_COOKIE_LOW] ?? 0;
    const cookieHigh = numbers[at + IDLE_COOKIE_HIGH] ?? 0;
    const fdDigits = this.#isHeld ? digitsOf(fd) : 0;
    const silenceDigits = this.isHeard ? digitsOf(silentMs) : 0;
    const timerDigits = this.#isTimed ? digitsOf(expiresInMs) : 0;
    const queueDigits = this.#isQueued ? digitsOf(receiveQueueBytes) : 0;
    const cookieDigits = this.#isNamed ? hexDigitsOf(cookieLow, cookieHigh) : 0;
    const known = this.#digits;
    const isAsLong =
      fdDigits === known[0] &&
      silenceDigits === known[1] &&
      timerDigits === known[2] &&
      queueDigits === known[3] &&
      cookieDigits === known[4];
    if (!isAsLong) {
      this.#makeRoom([fdDigits, silenceDigits, timerDigits, queueDigits, cookieDigits]);
    }
    const text = this.#text;
    const ends = this.#ends;
    if (fdDigits > 0) putDigits(text, ends[0] ?? 0, fd);
    if (silenceDigits > 0) putDigits(text, ends[1] ?? 0, silentMs);
    if (timerDigits > 0) putDigits(text, ends[2] ?? 0, expiresInMs);
    if (queueDigits > 0) putDigits(text, ends[3] ?? 0, receiveQueueBytes);
    if (cookieDigits > 0) putHexDigits(text, ends[4] ?? 0, cookieLow, cookieHigh);
    out.bytes(text);
  }

  /** The text with as much room for each figure. */
  #makeRoom(digits: readonly number[]): void {
    const before = this.#text;
    const more = digits.map((each, at) => each - (this.#digits[at] ?? 0));
    const text = new Uint8Array(more.reduce((length, each) => length + each, before.length));
    let [from, to] = [0, 0];
    this.#ends = this.#ends.map((end, at) => {
      // Where the figure began, up to which all stays.
      const begin = end - (this.#digits[at] ?? 0);
      text.set(before.subarray(from, begin), to);
      to += begin - from + (digits[at] ?? 0);
      from = end;
      return to;
    });
    text.set(before.subarray(from), to);
    this.#text = text;
    this.#digits = digits;
  }
}

export function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** In everything but their ends and their figures; a fate, which is worked out once for many, by identity. */
export function isAlike(a: Connection, b: Connection): boolean {
  return (
    a.fate === b.fate &&
    a.timer.kind === b.timer.kind &&
    areSame(a.keepalive, b.keepalive) &&
    a.ask === b.ask &&
    a.process?.pid === b.process?.pid &&
    a.process?.name === b.process?.name &&
    a.unit === b.unit &&
    a.state === b.state &&
    a.unansweredMs === b.unansweredMs &&
    a.retransmissions === b.retransmissions &&
    a.sendQueueBytes === b.sendQueueBytes &&
    a.userTimeoutMs === b.userTimeoutMs &&
    a.optionsUnread === b.optionsUnread &&
    a.interfaceIndex === b.interfaceIndex &&
    a.userId === b.userId &&
    a.namespace === b.namespace &&
    areAlike(a.silentMs, b.silentMs) &&
    areAlike(a.timer.expiresInMs, b.timer.expiresInMs) &&
    areAlike(a.receiveQueueBytes, b.receiveQueueBytes) &&
    (a.cookie === b.cookie || (isHex(a.cookie) && isHex(b.cookie)))
  );
}

function areSame(a: SocketKeepalive, b: SocketKeepalive): boolean {
  if (a === b) return true;
  if (a.kind === 'unknown') return b.kind === 'unknown' && a.reason === b.reason;
  if (a.kind === 'off' || b.kind !== 'known') return a.kind === b.kind;
  return sameKeepalive(a, b);
}

/** Both figures, or the same words. */
function areAlike(a: number | null, b: number | null): boolean {
  return a === b || (isWord(a) && isWord(b));
}

/** What fits into one of a row's numbers. */
function isWord(number: number | null): number is number {
  return number !== null && number >= 0 && number <= LARGEST_WORD && Number.isInteger(number);
}

/** What fits into two, and comes out of them as it was. */
function isHex(cookie: string | null): cookie is string {
  return cookie !== null && /^(?:0|[1-9a-f][0-9a-f]{0,15})$/.test(cookie);
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
  return 'reason' in ask
    ? `{"kind":"${ask.kind}","reason":${quoted(ask.reason)}}`
    : `{"kind":"${ask.kind}"}`;
}

function unknownText({ reason }: { readonly reason: string }): string {
  return `{"kind":"unknown","reason":${quoted(reason)}}`;
}

/** Addresses, states, units and most names need no escape. */
export function quoted(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : asciiJson(text);
}

const PLAIN = /^[\w .:,;%@/()[\]-]*$/;
