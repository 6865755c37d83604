/**
 * How replies lie in a protocol's stream. A splitter looks at what has come and says where the first
 * unit ends; it keeps nothing, and is told where it stopped before. A reader holds at most
 * `LARGEST_UNIT_BYTES`, whatever a stranger sends.
 */
import { charactersOf } from './byte-text.js';

/**
 * The first unit's whole length, once that is known, though not all of it may have come; `more`: not
 * yet known; `none`: these bytes begin no unit.
 */
type UnitEnd = number | 'more' | 'none';

/**
 * @param seen so many bytes were looked at before, and more had to come: what drips in is not looked
 *   through again
 */
type Splitter = (held: Uint8Array, seen: number) => UnitEnd;

const splitters = {
  line: lineEnd,
  reply: replyEnd,
  'http-head': httpHeadEnd,
  websocket: websocketEnd,
  mqtt: mqttEnd,
  amqp: amqpEnd,
  postgres: postgresEnd,
  length16: (held) => (held.length < 2 ? 'more' : 2 + bigEndian(held, 0, 2)),
  bytes: (held) => held.length,
} satisfies Readonly<Record<string, Splitter>>;

export type Units = keyof typeof splitters;

export const UNITS = Object.keys(splitters) as readonly Units[];

/** Of a larger one that says its length, only the beginning is kept. */
export const LARGEST_UNIT_BYTES = 64 * 1024;

/** Reads the units of one connection. */
export class UnitReader {
  /** What follows it in its buffer is nobody's. */
  #held = new Uint8Array(0);
  /** Of it, a splitter has looked at so much in vain. */
  #seen = 0;
  /** Of a unit too large to be held: its beginning, and how much of it is still to come. */
  #large: { readonly beginning: Uint8Array; leftBytes: number } | undefined;

  /** What has come and is not yet a unit. */
  get held(): Uint8Array {
    return this.#held;
  }

  get isMidUnit(): boolean {
    return this.#held.length > 0 || this.#large !== undefined;
  }

  push(chunk: Uint8Array): void {
    const skipped = Math.min(this.#large?.leftBytes ?? 0, chunk.length);
    if (this.#large !== undefined) this.#large.leftBytes -= skipped;
    if (skipped === chunk.length) return;
    this.#append(chunk.subarray(skipped));
  }

  /** The next unit, if it is complete; undefined: more must come. `none`: what has come is no unit. */
  next(units: Units): Uint8Array | 'none' | undefined {
    if (this.#large !== undefined) {
      if (this.#large.leftBytes > 0) return undefined;
      const { beginning } = this.#large;
      this.#large = undefined;
      return beginning;
    }
    if (this.#held.length === 0) return undefined;
    const end = splitters[units](this.#held, this.#seen);
    this.#seen = end === 'more' ? this.#held.length : 0;
    if (end === 'none') return 'none';
    if (end === 'more') return this.#held.length > LARGEST_UNIT_BYTES ? 'none' : undefined;
    if (end <= this.#held.length) return this.take(end);
    if (end > LARGEST_UNIT_BYTES) {
      this.#large = { beginning: this.#held, leftBytes: end - this.#held.length };
      this.#held = new Uint8Array(0);
    }
    return undefined;
  }

  /** Out of what is held, its first bytes. */
  take(length: number): Uint8Array {
    const taken = this.#held.subarray(0, length);
    this.#seen = 0;
    this.#held = this.#held.subarray(length); // a copy for each of many small units would be quadratic
    return taken;
  }

  /** Twice as much room whenever it is short: a copy for each byte that drips in would be quadratic. */
  #append(bytes: Uint8Array): void {
    const { buffer, byteOffset, length } = this.#held;
    const whole = length + bytes.length;
    if (byteOffset + whole <= buffer.byteLength) {
      this.#held = new Uint8Array(buffer, byteOffset, whole);
    } else {
      const roomy = new Uint8Array(2 * whole);
      roomy.set(this.#held);
      this.#held = roomy.subarray(0, whole);
    }
    this.#held.set(bytes, length);
  }
}

const LF = 0x0a;

/** Just behind the line feed. Text holds no other control characters: what has them is no line. */
function lineEnd(held: Uint8Array, from: number): UnitEnd {
  const at = held.indexOf(LF, from);
  const line = held.subarray(from, at < 0 ? undefined : at);
  if (line.some((byte) => (byte < 0x20 && byte !== 0x09 && byte !== 0x0d) || byte === 0x7f)) {
    return 'none';
  }
  return at < 0 ? 'more' : at + 1;
}

/** A reply of FTP or SMTP: `220-` begins one of several lines, and `220 ` is its last (RFC 959 section 4.2). */
function replyEnd(held: Uint8Array, seen: number): UnitEnd {
  for (let at = seen; ;) {
    const end = lineEnd(held, at);
    if (typeof end !== 'number') return end;
    const from = end < 2 ? 0 : held.lastIndexOf(LF, end - 2) + 1;
    if (from === 0 ? held[3] !== 0x2d : isLastLine(held, from)) return end;
    at = end;
  }
}

function isLastLine(held: Uint8Array, from: number): boolean {
  return held[from + 3] === 0x20 && [0, 1, 2].every((at) => held[from + at] === held[at]);
}

/** A status line and its fields. No body follows the answer to HEAD, nor a 101 (RFC 9112 section 6.3). */
function httpHeadEnd(held: Uint8Array, seen: number): UnitEnd {
  const beginning = charactersOf(held.subarray(0, 5));
  if (!'HTTP/'.startsWith(beginning)) return 'none';
  // The empty line may have begun before.
  for (let at = held.indexOf(LF, Math.max(0, seen - 2)); at >= 0; at = held.indexOf(LF, at + 1)) {
    if (held[at + 1] === LF) return at + 2;
    if (held[at + 1] === 0x0d && held[at + 2] === LF) return at + 3;
  }
  return 'more';
}

const WEBSOCKET_OPCODES: ReadonlySet<number> = new Set([0x0, 0x1, 0x2, 0x8, 0x9, 0xa]);

/** A server's frame: not masked, and of no extension, for none was asked for (RFC 6455 section 5.2). */
function websocketEnd(held: Uint8Array): UnitEnd {
  const [first = 0, second = 0] = held;
  if ((first & 0x70) !== 0 || !WEBSOCKET_OPCODES.has(first & 0x0f)) return 'none';
  if (held.length < 2) return 'more';
  if (second > 0x7f) return 'none';
  if (second < 126) return 2 + second;
  const lengthBytes = second === 126 ? 2 : 8;
  return held.length < 2 + lengthBytes ? 'more' : 2 + lengthBytes + bigEndian(held, 2, lengthBytes);
}

/** Bit 0 to 3 of what a server sends (MQTT 3.1.1 section 2.2); PUBLISH (3) has flags, DISCONNECT (14) is MQTT 5's. */
const MQTT_FIRST_BYTES: ReadonlySet<number> = new Set([
  0x20, 0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xd0, 0xe0,
]);

function mqttEnd(held: Uint8Array): UnitEnd {
  const [first = 0] = held;
  if (first >> 4 !== 3 && !MQTT_FIRST_BYTES.has(first)) return 'none';
  let length = 0;
  for (let at = 1; at <= 4; at++) {
    const byte = held[at];
    if (byte === undefined) return 'more';
    length += (byte & 0x7f) * 128 ** (at - 1);
    if (byte < 0x80) return 1 + at + length;
  }
  return 'none';
}

/** A frame (AMQP 0-9-1 section 2.3.5), or the protocol header with which another version is refused. */
function amqpEnd(held: Uint8Array): UnitEnd {
  const [type = 0] = held;
  if (type === 0x41) return 'AMQP'.startsWith(charactersOf(held.subarray(0, 4))) ? 8 : 'none';
  if (type !== 1 && type !== 2 && type !== 3 && type !== 8) return 'none';
  return held.length < 7 ? 'more' : 8 + bigEndian(held, 3, 4);
}

/**
 * The answer to an SSLRequest: one byte, behind which nothing may come unasked (CVE-2021-23222), or an
 * error message with its length.
 */
function postgresEnd(held: Uint8Array): UnitEnd {
  const type = String.fromCharCode(held[0] ?? 0);
  if (type === 'S' || type === 'N') return held.length === 1 ? 1 : 'none';
  if (type !== 'E') return 'none';
  if (held.length < 5) return 'more';
  const end = 1 + bigEndian(held, 1, 4);
  return end > LARGEST_UNIT_BYTES ? 'none' : end;
}

function bigEndian(held: Uint8Array, at: number, bytes: number): number {
  return held.subarray(at, at + bytes).reduce((sum, byte) => sum * 256 + byte, 0);
}
