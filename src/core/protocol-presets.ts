import { TcpaliveError } from '../errors.js';

/**
 * The protocols that come with us, and the ports by which they are guessed: what fixtures/protocols
 * says, known without reading it. A test holds the two together.
 */
export const protocolPresets: Readonly<Record<string, readonly number[]>> = {
  amqp: [5672],
  ftp: [21],
  http: [80, 8080],
  imap: [143],
  memcached: [11_211],
  mqtt: [1883],
  nats: [4222],
  postgres: [5432],
  redis: [6379],
  smtp: [25, 587],
  tcpalive: [7777],
  websocket: [],
};

export const presetNames: readonly string[] = Object.keys(protocolPresets);

/** Undefined: nothing is known of that port. */
export function presetOfPort(port: number): string | undefined {
  return presetNames.find((name) => protocolPresets[name]?.includes(port));
}

/** Whether it is a file's: a preset's has neither a dot nor a slash. */
export function isProtocolFile(name: string): boolean {
  return /[./]/.test(name);
}

/** A preset's name, or a file. @throws TcpaliveError BAD_USAGE */
export function parseProtocolName(name: string): string {
  if (isProtocolFile(name) || presetNames.includes(name)) return name;
  throw new TcpaliveError(
    'BAD_USAGE',
    `'${name}' is not a protocol: ${presetNames.join(', ')}, or a file such as ./${name}.yaml`,
  );
}
