/** What somebody speaks, from the first bytes they say: for telling a wrong protocol by its name. */
import { charactersOf } from './byte-text.js';

/** Undefined: none that is known here. */
export function recognise(said: Uint8Array): string | undefined {
  const beginning = said.subarray(0, LONGEST_SIGN_BYTES);
  const text = charactersOf(beginning);
  const hex = Array.from(beginning, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const sign =
    TEXT_SIGNS.find(([, expression]) => expression.test(text)) ??
    HEX_SIGNS.find(([, expression]) => expression.test(hex));
  return sign?.[0];
}

const LONGEST_SIGN_BYTES = 256;

type Sign = readonly [name: string, expression: RegExp];

/** The first that fits: a narrower one comes before a wider one. */
const TEXT_SIGNS: readonly Sign[] = [
  ['HTTP', /^HTTP\/|^<(?:html|!doctype)/i],
  ['SSH', /^SSH-/],
  ['SMTP', /^\d{3}[ -][^\n]*SMTP/i],
  ['FTP', /^\d{3}[ -][^\n]*FTP/i],
  ['SMTP or FTP', /^[2-5]\d\d[ -]/],
  ['IMAP', /^\* (?:OK|PREAUTH|BYE)\b/],
  [
    'Redis',
    /^\+PONG|^-(?:NOAUTH|WRONGPASS|DENIED|LOADING|NOPERM|MISCONF)\b|^-ERR (?:unknown command|wrong number|Protocol error)/,
  ],
  ['NATS', /^INFO \{|^-ERR '/],
  ['POP3', /^\+OK|^-ERR/],
  ['memcached', /^(?:ERROR|CLIENT_ERROR .*|SERVER_ERROR .*|VERSION .*)\r?\n/],
  ['VNC', /^RFB \d{3}\./],
  ['rsync', /^@RSYNCD:/],
];

const HEX_SIGNS: readonly Sign[] = [
  // Its protocol header, or Connection.Start.
  ['AMQP', /^414d5150|^010000.{8}000a000a/],
  // The alert with which a server answers what is no ClientHello, or the beginning of a handshake.
  ['TLS', /^1[56]030[0-4]/],
  // Protocol version 10, or an error, in the packet with sequence number 0.
  ['MySQL', /^.{4}0000(?:0a|ff)/],
  // An error with its severity.
  ['PostgreSQL', /^450000.{4}53(?:464154414c|4552524f52)/],
  ['MQTT', /^20020[01]0[0-5]/],
  ['a server that echoes frames, such as tcpalive serve', /^(?:0000){1,4}$/],
];
