import { TcpaliveError } from '../errors.js';

/** One end of a connection. */
export interface Endpoint {
  /** An IP address, or a host name before it is resolved. */
  readonly address: string;
  readonly port: number;
}

/** `127.0.0.1:7777`, `[::1]:7777`, `example.org:443`. @throws TcpaliveError BAD_USAGE */
export function parseEndpoint(text: string): Endpoint {
  const match = /^(?:\[([0-9a-fA-F:.%\w]+)\]|([^:[\]\s]+)):([^:]*)$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  if (match === null || address === undefined) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${text}' is not host:port, such as 127.0.0.1:7777, [::1]:7777 or example.org:443`,
    );
  }
  return { address, port: parsePort(match[3] ?? '') };
}

/** @throws TcpaliveError BAD_USAGE */
export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new TcpaliveError('BAD_USAGE', `'${text}' is not a port: 1 to 65535`);
  }
  return port;
}

export function formatEndpoint({ address, port }: Endpoint): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
