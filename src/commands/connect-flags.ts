/** Flags of whatever connects: to which of a name's addresses, for how long, and what lies over TCP. */
import { isIP } from 'node:net';
import { Option, type Command } from 'commander';
import { parseDuration } from '../core/duration.js';
import type { Endpoint } from '../core/endpoint.js';
import { TcpaliveError } from '../errors.js';

export interface ConnectFlags {
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
  readonly tls?: boolean;
  readonly servername?: string;
  readonly ca?: string;
  readonly insecure?: boolean;
  readonly connectTimeout: number;
}

export function addConnectFlags(command: Command): Command {
  return command
    .option('-4, --ipv4', 'only IPv4')
    .addOption(new Option('-6, --ipv6', 'only IPv6').conflicts('ipv4'))
    .addOption(
      new Option('--connect-timeout <time>', 'for the name, the connection and TLS together')
        .default(10_000, '10s')
        .argParser(parseDuration),
    )
    .option('--tls', 'TLS from the first byte on')
    .option('--servername <name>', 'whom to ask for, and whom the certificate must be for')
    .option('--ca <file>', "certificates (PEM) to trust, instead of Node's own")
    .addOption(
      new Option('--insecure', 'go on whatever is wrong with the certificate').conflicts('ca'),
    );
}

/** Flags that each make sense, and not together or not with that address. @throws TcpaliveError BAD_USAGE */
export function refuseUnconnectable({ address }: Endpoint, flags: ConnectFlags): void {
  const { ipv4, ipv6, tls } = flags;
  const family = isIP(address);
  if ((ipv4 === true && family === 6) || (ipv6 === true && family === 4)) {
    const flag = ipv4 === true ? '-4' : '-6';
    throw new TcpaliveError('BAD_USAGE', `${flag}: ${address} is an IPv${family} address`);
  }
  const ofTls = (['servername', 'ca', 'insecure'] as const).find(
    (name) => flags[name] !== undefined,
  );
  if (ofTls !== undefined && tls !== true) {
    throw new TcpaliveError('BAD_USAGE', `--${ofTls} is about TLS: it takes --tls`);
  }
  if (flags.servername === '') {
    throw new TcpaliveError('BAD_USAGE', "--servername: '' is no name");
  }
}
