/** From flags to what it takes to open a socket; reads the certificates that were named. */
import type { Endpoint } from '../core/endpoint.js';
import { TcpaliveError } from '../errors.js';
import type { OpenOptions } from '../net/open-socket.js';
import { readCertificates } from './certificates.js';
import type { ConnectFlags } from './connect-flags.js';

/** @throws TcpaliveError BAD_USAGE when the file of --ca holds no certificate */
export async function connectOptions(
  remote: Endpoint,
  { ipv4, ipv6, tls, servername, ca, insecure, connectTimeout }: ConnectFlags,
): Promise<OpenOptions & Pick<Required<OpenOptions>, 'family' | 'tls'>> {
  return {
    remote,
    connectTimeoutMs: connectTimeout,
    family: ipv4 === true ? 4 : ipv6 === true ? 6 : undefined,
    tls:
      tls === true
        ? {
            servername,
            ca: ca === undefined ? undefined : await readCertificates(ca, unusable),
            insecure: insecure ?? false,
          }
        : undefined,
  };
}

function unusable(reason: string, cause?: unknown): TcpaliveError {
  return new TcpaliveError('BAD_USAGE', `--ca: ${reason}`, { cause });
}
