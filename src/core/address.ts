/** IP addresses as bytes: RFC 4291 section 2.2 for the text of IPv6, RFC 5952 for how it is written. */

/** 4 or 16 bytes; undefined: no IP address. A zone (`%eth0`) is not part of it. */
export function addressBytes(text: string): Uint8Array | undefined {
  return text.includes(':') ? ipv6Bytes(text) : ipv4Bytes(text);
}

/** From 4 or 16 bytes; an IPv4 address that is mapped into IPv6 is written as IPv4. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (isMapped(bytes)) return bytes.subarray(12).join('.');
  const words = Array.from({ length: 8 }, (_, at) =>
    (((bytes[2 * at] ?? 0) << 8) | (bytes[2 * at + 1] ?? 0)).toString(16),
  );
  const { from, length } = longestZeros(words);
  if (length < 2) return words.join(':');
  return `${words.slice(0, from).join(':')}::${words.slice(from + length).join(':')}`;
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(text: string): boolean {
  const bytes = addressBytes(text);
  if (bytes === undefined) return false;
  if (bytes.length === 4) return bytes[0] === 127;
  if (isMapped(bytes)) return bytes[12] === 127;
  return bytes.every((byte, at) => byte === (at === 15 ? 1 : 0));
}

/**
 * Whose connections count together, as text: one IPv4 address, also where it is mapped into IPv6, or the
 * /64 that a link of IPv6 has (RFC 4291 2.5.1), from which a stranger can take any address.
 */
export function networkOf(text: string): string {
  const [address = '', zone] = text.split('%');
  const bytes = addressBytes(address);
  if (bytes?.length !== 16) return address;
  if (isMapped(bytes)) return formatAddress(bytes);
  const network = `${formatAddress(bytes.fill(0, 8))}/64`;
  return zone === undefined ? network : `${network}%${zone}`;
}

/** `10.0.0.0/8`, `fe80::/10`, or one address. */
export interface Prefix {
  readonly bytes: Uint8Array;
  readonly bits: number;
}

/** Undefined: no address, or more bits than it has. */
export function parsePrefix(text: string): Prefix | undefined {
  const [address = '', bits, ...rest] = text.split('/');
  const bytes = addressBytes(address);
  if (bytes === undefined || rest.length > 0) return undefined;
  const most = bytes.length * 8;
  if (bits === undefined) return { bytes, bits: most };
  return /^\d{1,3}$/.test(bits) && Number(bits) <= most ? { bytes, bits: Number(bits) } : undefined;
}

export function isWithin({ bytes, bits }: Prefix, text: string): boolean {
  const address = addressBytes(text);
  if (address?.length !== bytes.length) return false;
  const whole = Math.floor(bits / 8);
  for (let at = 0; at < whole; at++) if (address[at] !== bytes[at]) return false;
  const mask = (0xff00 >> (bits % 8)) & 0xff;
  return ((address[whole] ?? 0) & mask) === ((bytes[whole] ?? 0) & mask);
}

/** As inet_pton(3) has it: no leading zero, which elsewhere means octal. */
const DECIMAL = /^(?:0|[1-9]\d{0,2})$/;

function ipv4Bytes(text: string): Uint8Array | undefined {
  const parts = text.split('.');
  const isValid =
    parts.length === 4 && parts.every((part) => DECIMAL.test(part) && Number(part) <= 255);
  return isValid ? Uint8Array.from(parts, Number) : undefined;
}

function ipv6Bytes(text: string): Uint8Array | undefined {
  const [head = '', tail, ...rest] = text.split('::');
  if (rest.length > 0) return undefined;
  const before = ipv6Words(head, tail === undefined);
  const after = tail === undefined ? [] : ipv6Words(tail, true);
  if (before === undefined || after === undefined) return undefined;
  const missing = 8 - before.length - after.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return undefined;
  const words = [...before, ...Array.from({ length: missing }, () => 0), ...after];
  return Uint8Array.from(words.flatMap((word) => [word >> 8, word & 0xff]));
}

/** The last two words of an address may be an IPv4 address: `::ffff:127.0.0.1`. */
function ipv6Words(part: string, isEnd: boolean): readonly number[] | undefined {
  if (part === '') return [];
  const words: number[] = [];
  const pieces = part.split(':');
  for (const [at, piece] of pieces.entries()) {
    const mayBeQuad = isEnd && at === pieces.length - 1 && piece.includes('.');
    const quad = mayBeQuad ? ipv4Bytes(piece) : undefined;
    if (quad !== undefined) {
      const [a = 0, b = 0, c = 0, d = 0] = quad;
      words.push((a << 8) | b, (c << 8) | d);
    } else if (/^[0-9a-f]{1,4}$/i.test(piece)) words.push(parseInt(piece, 16));
    else return undefined;
  }
  return words;
}

function isMapped(bytes: Uint8Array): boolean {
  return bytes.subarray(0, 12).every((byte, at) => byte === (at < 10 ? 0 : 0xff));
}

function longestZeros(words: readonly string[]): { from: number; length: number } {
  let best = { from: 0, length: 0 };
  for (let from = 0; from < words.length; from++) {
    let length = 0;
    while (words[from + length] === '0') length++;
    if (length > best.length) best = { from, length };
  }
  return best;
}
