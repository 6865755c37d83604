/** Bytes as text: as they are written, and as the characters U+0000 to U+00FF. */
import { TcpaliveError } from '../errors.js';

/** `hex:0000 2b`, or the text's UTF-8. @throws TcpaliveError BAD_USAGE */
export function bytesOf(text: string): Uint8Array {
  const [, hex] = /^hex:(.*)$/s.exec(text) ?? [];
  return hex === undefined ? new TextEncoder().encode(text) : parseHex(hex);
}

/** Two digits a byte, spaces between bytes as one likes. @throws TcpaliveError BAD_USAGE */
export function parseHex(text: string): Uint8Array {
  const digits = text.replaceAll(/\s/g, '');
  if (!/^(?:[0-9a-f]{2})+$/i.test(digits)) {
    throw new TcpaliveError('BAD_USAGE', `'${text}' is not hex: two digits a byte, such as 0d 0a`);
  }
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function charactersOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

/**
 * `\r`, `\n`, `\t`, `\0`, `\xHH` and `\\`, which a shell hands on as they are typed.
 * @throws TcpaliveError BAD_USAGE
 */
export function unescapeText(text: string): string {
  return text.replaceAll(/\\(x[0-9a-f]{2}|[^])?/gi, (escape, name = '') => {
    const known = ESCAPES.get(String(name));
    if (known !== undefined) return known;
    if (/^x../.test(String(name))) {
      const code = Number.parseInt(String(name).slice(1), 16);
      if (code < 0x80) return String.fromCharCode(code);
    }
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${escape}' in '${text}' is no escape: \\r \\n \\t \\0 \\\\ or \\x00 to \\x7f; other bytes as hex:`,
    );
  });
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['r', '\r'],
  ['n', '\n'],
  ['t', '\t'],
  ['0', '\0'],
  ['\\', '\\'],
]);
