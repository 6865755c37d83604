import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jsonText } from '../../src/report/json.js';
import { printable } from '../../src/report/printable.js';

/** Written out, not taken from the source: what a terminal may act on or reorder. */
function isDangerous(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    code === 0x61c ||
    [0x200e, 0x200f, 0x2028, 0x2029].includes(code) ||
    (code >= 0x202a && code <= 0x202e) ||
    (code >= 0x2066 && code <= 0x2069)
  );
}

const dangerous = Array.from({ length: 0x3000 }, (_, code) => code).filter(isDangerous);
function actsOnTerminal(text: string): boolean {
  return Array.from(text, (each) => each.charCodeAt(0)).some(isDangerous);
}
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...dangerous.map((code) => String.fromCharCode(code))),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
  ),
});

describe('printable', () => {
  it('shows what a terminal would have acted on', () => {
    expect(printable('\x1b[2Jbye\r\n')).toBe('\\x1b[2Jbye\\x0d\\x0a');
    expect(printable('\x7f\x9b31m')).toBe('\\x7f\\x9b31m');
    expect(printable('user\u202egpj.exe')).toBe('user\\u202egpj.exe');
    expect(printable('half \ud800')).toBe('half \\ud800');
  });

  it('leaves ordinary text alone, whatever the script', () => {
    expect(printable('naïve 名前 🙂 مرحبا a|b"c\\d')).toBe('naïve 名前 🙂 مرحبا a|b"c\\d');
  });

  it('leaves nothing that a terminal acts on, and is done after one pass', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const shown = printable(text);
        expect(actsOnTerminal(shown)).toBe(false);
        expect(printable(shown)).toBe(shown);
      }),
    );
  });
});

describe('jsonText', () => {
  it('parses back to the same value and shows nothing that a terminal acts on', () => {
    fc.assert(
      fc.property(fc.array(fc.dictionary(hostile, hostile)), (value) => {
        const text = jsonText(value);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
        expect(actsOnTerminal(text)).toBe(false);
      }),
    );
  });

  it('indents', () => {
    expect(jsonText({ a: ['\x9b'] }, 2)).toBe('{\n  "a": [\n    "\\u009b"\n  ]\n}');
  });
});
