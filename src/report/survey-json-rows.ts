/**
 * Connections that are yet to be written down as JSON: of each is kept what it takes, a tenth of the memory of
 * its text. In numbers side by side, with which V8 has less to do than with as many objects.
 */
import {
  IDLE_COOKIE_HIGH,
  IDLE_COOKIE_LOW,
  IDLE_LOCAL,
  IDLE_LOCAL_PORT,
  IDLE_NUMBERS,
  IDLE_PEER,
  IDLE_PEER_PORT,
  IDLE_RECEIVE_QUEUE,
  IDLE_SILENT_MS,
  type IdleSockets,
} from '../core/idle-sockets.js';
import { longer } from '../core/longer.js';
import type { Connection } from '../core/survey.js';
import { placesWorstFirst, silenceRank } from '../core/worst-first.js';
import type { AsciiPieces } from './ascii-pieces.js';
import { ascii, FD, isAlike, quoted, REST, RestOfLine } from './survey-json-line.js';

export class JsonRows {
  #numbers = new Uint32Array(FEW_ROWS * IDLE_NUMBERS);
  /** When the timers of those expire that have one. */
  #expiries = new Uint32Array(FEW_ROWS);
  #length = 0;
  readonly #addresses: string[] = [];
  readonly #localOf = remembering((address) => this.#keep(address));
  readonly #peerOf = remembering((address) => this.#keep(address));
  /** Of the addresses of others, by theirs. */
  readonly #places = new Map<readonly string[], number[]>();
  /** Up to the port, by the place of the address: written when it is needed. */
  readonly #locals: (Uint8Array | undefined)[] = [];
  readonly #peers: (Uint8Array | undefined)[] = [];
  readonly #rests: RestOfLine[] = [];
  readonly #opening: string;
  readonly #closing: string;
  readonly #last = new Map<
    number | undefined,
    { readonly of: Connection; readonly rest: number }
  >();

  constructor(opening: string, closing: string) {
    this.#opening = opening;
    this.#closing = closing;
  }

  get length(): number {
    return this.#length;
  }

  add(connection: Connection): void {
    const { local, peer, process, silentMs, cookie } = connection;
    const rest = this.restOf(connection);
    const numbers = this.#room(1);
    const at = this.#length++ * IDLE_NUMBERS;
    numbers[at + REST] = rest;
    numbers[at + IDLE_LOCAL] = this.#localOf(local.address);
    numbers[at + IDLE_LOCAL_PORT] = local.port;
    numbers[at + IDLE_PEER] = this.#peerOf(peer.address);
    numbers[at + IDLE_PEER_PORT] = peer.port;
    numbers[at + FD] = process?.fd ?? 0;
    numbers[at + IDLE_COOKIE_LOW] = parseInt(cookie?.slice(-HEX_DIGITS) ?? '', 16);
    numbers[at + IDLE_COOKIE_HIGH] = parseInt(cookie?.slice(0, -HEX_DIGITS) ?? '', 16);
    numbers[at + IDLE_SILENT_MS] = silentMs ?? 0;
    numbers[at + IDLE_RECEIVE_QUEUE] = connection.receiveQueueBytes;
    this.#expiries[at / IDLE_NUMBERS] = connection.timer.expiresInMs ?? 0;
  }

  /** Each with the rest of another. */
  addAlike(idle: IdleSockets, rests: Uint32Array, fds: Uint32Array): void {
    const places = this.#placesOf(idle.addresses);
    const { length } = idle;
    const numbers = this.#room(length);
    let at = this.#length * IDLE_NUMBERS;
    numbers.set(idle.numbers.subarray(0, length * IDLE_NUMBERS), at);
    for (let place = 0; place < length; place++) {
      numbers[at + REST] = rests[place] ?? 0;
      numbers[at + IDLE_LOCAL] = places[numbers[at + IDLE_LOCAL] ?? 0] ?? 0;
      numbers[at + IDLE_PEER] = places[numbers[at + IDLE_PEER] ?? 0] ?? 0;
      numbers[at + FD] = fds[place] ?? 0;
      at += IDLE_NUMBERS;
    }
    this.#length += length;
  }

  /** Their places. */
  worstFirst(): Uint32Array {
    const numbers = this.#numbers;
    const fates = new Uint8Array(this.#length);
    const silences = new Uint32Array(this.#length);
    for (let place = 0; place < fates.length; place++) {
      const rest = this.#restAt(place);
      fates[place] = rest.fateRank;
      silences[place] = silenceRank(
        rest.isHeard ? (numbers[place * IDLE_NUMBERS + IDLE_SILENT_MS] ?? 0) : null,
      );
    }
    return placesWorstFirst(fates, silences);
  }

  #restAt(place: number): RestOfLine {
    const rest = this.#rests[this.#numbers[place * IDLE_NUMBERS + REST] ?? 0];
    if (place >= this.#length || rest === undefined) throw new RangeError(`no row ${place}`);
    return rest;
  }

  /** For so many more. */
  #room(rows: number): Uint32Array {
    const needed = (this.#length + rows) * IDLE_NUMBERS;
    if (needed > this.#numbers.length) {
      this.#numbers = longer(this.#numbers, 2 * needed);
      this.#expiries = longer(this.#expiries, (2 * needed) / IDLE_NUMBERS);
    }
    return this.#numbers;
  }

  #keep(address: string): number {
    // Filled up in another order, V8 would look for each.
    this.#locals.push(undefined);
    this.#peers.push(undefined);
    return this.#addresses.push(address) - 1;
  }

  /** Those that have come since included. */
  #placesOf(addresses: readonly string[]): readonly number[] {
    const places = this.#places.get(addresses) ?? [];
    this.#places.set(addresses, places);
    for (const address of addresses.slice(places.length)) places.push(this.#keep(address));
    return places;
  }

  /**
   * @param place the number of connections that were added before it
   * @param from how much of its opening is left out
   */
  write(place: number, out: AsciiPieces, from: number): void {
    const numbers = this.#numbers;
    const rest = this.#restAt(place);
    const at = place * IDLE_NUMBERS;
    const local = numbers[at + IDLE_LOCAL] ?? 0;
    const peer = numbers[at + IDLE_PEER] ?? 0;
    const opening = (this.#locals[local] ??= ascii(
      `${this.#opening}"local":{"address":${quoted(this.#addresses[local] ?? '')},"port":`,
    ));
    out.bytes(from === 0 ? opening : opening.subarray(from));
    out.number(numbers[at + IDLE_LOCAL_PORT] ?? 0);
    out.bytes(
      (this.#peers[peer] ??= ascii(
        `},"peer":{"address":${quoted(this.#addresses[peer] ?? '')},"port":`,
      )),
    );
    out.number(numbers[at + IDLE_PEER_PORT] ?? 0);
    rest.write(out, numbers, at, this.#expiries[place] ?? 0);
  }

  /**
   * Most connections of one process differ in their ends and a few figures alone: the rest is written once for
   * all that come one after the other.
   * @returns its place among the rests
   */
  restOf(connection: Connection): number {
    const pid = connection.process?.pid;
    const last = this.#last.get(pid);
    if (last !== undefined && isAlike(last.of, connection)) return last.rest;
    const rest = this.#rests.push(new RestOfLine(connection, this.#closing)) - 1;
    this.#last.set(pid, { of: connection, rest });
    return rest;
  }
}

const FEW_ROWS = 1024;
/** Of a word. */
const HEX_DIGITS = 8;

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
