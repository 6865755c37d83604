/**
 * A connection as JSON, written out by hand: 50,000 of them take a third of the time of JSON.stringify,
 * which would still have to be searched for what a terminal acts on. Every number is finite.
 */
import type { Fate, Moment } from '../core/fate.js';
import type { Ask, Connection } from '../core/survey.js';
import type { SocketKeepalive } from '../core/socket.js';
import { fateRank } from '../core/worst-first.js';
import type { AsciiPieces } from './ascii-pieces.js';
import { digitsOf, hexDigitsOf, LARGEST_WORD, putDigits, putHexDigits } from './digits.js';
import { asciiJson } from './json.js';

/** What tens of thousands differ in behind their ends. */
export interface Figures {
  readonly fd: number;
  readonly silentMs: number;
  readonly cookieLow: number;
  readonly cookieHigh: number;
}

/**
 * A connection's line from behind its ports on, and that of whatever is like it: the text stays, and the figures
 * in it are written anew.
 */
export class RestOfLine {
  readonly fateRank: number;
  readonly isHeard: boolean;
  readonly #isHeld: boolean;
  readonly #isNamed: boolean;
  /** Between which the figures stand; of what it does not have, nothing, and its words are part of the text. */
  readonly #parts: readonly [string, string, string, string];
  #text: Uint8Array = new Uint8Array();
  #fdEnd = 0;
  #silenceEnd = 0;
  #cookieEnd = 0;
  #fdDigits = NOT_YET;
  #silenceDigits = NOT_YET;
  #cookieDigits = NOT_YET;

  constructor(connection: Connection, closing: string) {
    const { process, unit, timer, silentMs, cookie, optionsUnread } = connection;
    this.fateRank = fateRank(connection.fate.kind);
    this.isHeard = isWord(silentMs);
    this.#isHeld = process !== null;
    this.#isNamed = isHex(cookie);
    const quote = this.#isNamed ? '"' : '';
    this.#parts = [
      `},"state":${quoted(connection.state)},"process":` +
        (process === null ? 'null' : `{"pid":${process.pid},"name":${quoted(process.name)},"fd":`),
      `${process === null ? '' : '}'},"unit":${unit === null ? 'null' : quoted(unit)},"silentMs":`,
      `${this.isHeard ? '' : silentMs},"timer":{"kind":"${timer.kind}","expiresInMs":${timer.expiresInMs}}` +
        `,"unansweredMs":${connection.unansweredMs}` +
        `,"retransmissions":${connection.retransmissions}` +
        `,"sendQueueBytes":${connection.sendQueueBytes}` +
        `,"receiveQueueBytes":${connection.receiveQueueBytes}` +
        `,"keepalive":${keepaliveText(connection.keepalive)}` +
        `,"userTimeoutMs":${connection.userTimeoutMs}` +
        `,"optionsUnread":${optionsUnread === null ? 'null' : quoted(optionsUnread)}` +
        `,"fate":${fateText(connection.fate)},"ask":${askText(connection.ask)}` +
        `,"userId":${connection.userId},"cookie":${quote}`,
      `${this.#isNamed ? quote : asciiJson(cookie)},"interfaceIndex":${connection.interfaceIndex}` +
        `,"namespace":${quoted(connection.namespace)}${closing}`,
    ];
  }

  write(out: AsciiPieces, { fd, silentMs, cookieLow, cookieHigh }: Figures): void {
    const fdDigits = this.#isHeld ? digitsOf(fd) : 0;
    const silenceDigits = this.isHeard ? digitsOf(silentMs) : 0;
    const cookieDigits = this.#isNamed ? hexDigitsOf(cookieLow, cookieHigh) : 0;
    if (
      fdDigits !== this.#fdDigits ||
      silenceDigits !== this.#silenceDigits ||
      cookieDigits !== this.#cookieDigits
    ) {
      this.#layOut(fdDigits, silenceDigits, cookieDigits);
    }
    const text = this.#text;
    if (fdDigits > 0) putDigits(text, this.#fdEnd, fd);
    if (silenceDigits > 0) putDigits(text, this.#silenceEnd, silentMs);
    if (cookieDigits > 0) putHexDigits(text, this.#cookieEnd, cookieLow, cookieHigh);
    out.bytes(text);
  }

  #layOut(fdDigits: number, silenceDigits: number, cookieDigits: number): void {
    const [state, unit, timer, namespace] = this.#parts;
    const beforeSilence = `${state}${' '.repeat(fdDigits)}${unit}`;
    const beforeCookie = `${beforeSilence}${' '.repeat(silenceDigits)}${timer}`;
    this.#text = ascii(`${beforeCookie}${' '.repeat(cookieDigits)}${namespace}`);
    this.#fdEnd = state.length + fdDigits;
    this.#silenceEnd = beforeSilence.length + silenceDigits;
    this.#cookieEnd = beforeCookie.length + cookieDigits;
    this.#fdDigits = fdDigits;
    this.#silenceDigits = silenceDigits;
    this.#cookieDigits = cookieDigits;
  }
}

const NOT_YET = -1;

export function ascii(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

/** In everything but their ends, descriptor, silence and cookie; the shared parts by identity. */
export function isAlike(a: Connection, b: Connection): boolean {
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
    a.namespace === b.namespace &&
    (a.silentMs === b.silentMs || (isWord(a.silentMs) && isWord(b.silentMs))) &&
    (a.cookie === b.cookie || (isHex(a.cookie) && isHex(b.cookie)))
  );
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
