import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf } from '../../src/core/byte-text.js';
import { LARGEST_UNIT_BYTES, UnitReader, UNITS, type Units } from '../../src/core/reply-units.js';

/** Each byte looked at once takes a fraction of a second; each again whenever one comes, minutes. */
const SOON_MS = 10_000;

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

/** One unit, and nothing that belongs to it left behind. */
const whole: readonly (readonly [Units, string])[] = [
  ['line', '+PONG\r\n'],
  ['line', 'PONG\n'],
  ['line', 'hex:c3a4 0a'],
  ['reply', '250 2.0.0 Ok\r\n'],
  ['reply', '220-mail.test\r\n220-no spam\r\n220 ready\r\n'],
  ['reply', '214-Help:\r\n  NOOP\r\n214x\r\n214 end\r\n'],
  ['http-head', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'],
  ['http-head', 'HTTP/1.0 404 No\n\n'],
  ['websocket', 'hex:8a00'],
  ['websocket', 'hex:8903616263'],
  ['websocket', `hex:817e0100${'61'.repeat(256)}`],
  ['websocket', 'hex:827f0000000000000002 0102'],
  ['mqtt', 'hex:20020000'],
  ['mqtt', 'hex:d000'],
  ['mqtt', `hex:308001${'00'.repeat(128)}`],
  ['amqp', 'hex:01 0000 00000002 000a ce'],
  ['amqp', 'hex:414d515000000901'],
  ['postgres', 'S'],
  ['postgres', 'N'],
  ['postgres', 'hex:45 00000006 5300'],
  ['length16', 'hex:0000'],
  ['length16', 'hex:0003aabbcc'],
  ['bytes', 'anything'],
];

const none: readonly (readonly [Units, string])[] = [
  ['line', 'hex:15030100020246'],
  ['line', 'hex:4a0000000a'],
  ['reply', 'hex:2200'],
  ['http-head', 'SSH-2.0-OpenSSH\r\n'],
  ['websocket', 'HTTP/1.1 400 Bad Request'],
  ['websocket', 'hex:8a80'],
  ['websocket', 'hex:8b00'],
  ['mqtt', 'HTTP'],
  ['mqtt', 'hex:30ffffffff01'],
  ['amqp', 'hex:04'],
  ['amqp', 'ANY'],
  ['postgres', 'HTTP'],
  ['postgres', 'ERROR\r\n'],
  ['postgres', 'SSH-2.0'],
];

describe('a unit', () => {
  it.each(whole)('%s %s is read byte by byte, and twice at once', (units, written) => {
    const bytes = bytesOf(written);
    if (units !== 'bytes') {
      const slow = new UnitReader();
      bytes.forEach((byte, at) => {
        slow.push(Uint8Array.of(byte));
        const unit = slow.next(units);
        if (at < bytes.length - 1) expect(unit).toBeUndefined();
        else expect(text(unit as Uint8Array)).toBe(text(bytes));
      });
    }
    const twice = new UnitReader();
    twice.push(Buffer.concat([bytes, bytes]));
    // More than one byte before anything was asked: whoever says that says something else.
    if (units === 'postgres' && bytes.length === 1) expect(twice.next(units)).toBe('none');
    else if (units === 'bytes') expect(twice.next(units)).toHaveLength(2 * bytes.length);
    else {
      expect(text(twice.next(units) as Uint8Array)).toBe(text(bytes));
      expect(text(twice.next(units) as Uint8Array)).toBe(text(bytes));
    }
    expect(twice.next(units)).toBe(units === 'postgres' && bytes.length === 1 ? 'none' : undefined);
  });

  it.each(none)('%s %s is none', (units, written) => {
    const reader = new UnitReader();
    reader.push(bytesOf(written));
    expect(reader.next(units)).toBe('none');
  });

  it('that is large is not held: its beginning stands for it', () => {
    const reader = new UnitReader();
    reader.push(bytesOf('hex:827f0000000010000000'));
    expect(reader.next('websocket')).toBeUndefined();
    for (let sent = 0; sent < 0x1000_0000; sent += 0x10_0000) {
      reader.push(new Uint8Array(0x10_0000));
      expect(reader.held).toHaveLength(0);
    }
    expect(reader.next('websocket')).toHaveLength(10);
    reader.push(bytesOf('hex:8a00'));
    expect(text(reader.next('websocket') as Uint8Array)).toBe('\x8a\0');
  });

  it('that is small comes as often as one likes', () => {
    const reader = new UnitReader();
    for (let chunk = 0; chunk < 16; chunk++) {
      reader.push(new Uint8Array(LARGEST_UNIT_BYTES).fill(0x0a));
      for (let units = 0; units < LARGEST_UNIT_BYTES; units++) {
        if (reader.next('line') === undefined) throw new Error(`${units} lines`);
      }
      expect(reader.held).toHaveLength(0);
    }
  });

  it.each<Units>(['line', 'reply', 'http-head'])('%s that never ends is none', (units) => {
    const reader = new UnitReader();
    reader.push(bytesOf('HTTP/1.1 '));
    for (let sent = 0; sent < LARGEST_UNIT_BYTES - 4096; sent += 4096) {
      reader.push(new Uint8Array(4096).fill(0x61));
      expect(reader.next(units)).toBeUndefined();
    }
    reader.push(new Uint8Array(4096).fill(0x61));
    expect(reader.next(units)).toBe('none');
  });

  it.each<[Units, string]>([
    ['line', 'a'],
    ['reply', '220-a'],
    ['reply', '220-\n'],
    ['http-head', 'HTTP/1.1 200 OK\n'],
  ])('%s %s may drip in, each byte of which is looked at once', (units, beginning) => {
    const reader = new UnitReader();
    const drip = (byte: number) => {
      reader.push(Uint8Array.of(byte));
      return reader.next(units);
    };
    const last = beginning.charCodeAt(beginning.length - 1);
    for (const byte of bytesOf(beginning)) expect(drip(byte)).toBeUndefined();
    const started = performance.now();
    while (drip(units === 'http-head' ? 0x61 : last) === undefined);
    expect(reader.held).toHaveLength(LARGEST_UNIT_BYTES + 1);
    expect(performance.now() - started).toBeLessThan(SOON_MS);
  });

  it('is the same however the stream is cut, and no bytes are lost, made up or too many held', () => {
    // Small bytes are lengths that end.
    const chunk = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 40, max: 3 }),
      fc.constantFrom(...whole.map(([, written]) => bytesOf(written))),
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...UNITS),
        fc.array(chunk, { maxLength: 20 }),
        (units, chunks) => {
          if (units === 'bytes' || units === 'postgres') return; // where it is cut is what they are about
          const atOnce = new UnitReader();
          atOnce.push(Buffer.concat(chunks));
          const cut = new UnitReader();
          const read: string[] = [];
          for (const each of chunks) {
            cut.push(each);
            expect(cut.held.length).toBeLessThan(2 * LARGEST_UNIT_BYTES);
            for (let unit = cut.next(units); unit !== undefined; unit = cut.next(units)) {
              if (unit === 'none') break;
              read.push(text(unit));
            }
          }
          for (const unit of read) expect(text(atOnce.next(units) as Uint8Array)).toBe(unit);
        },
      ),
    );
  });
});
