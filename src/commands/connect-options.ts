/** From flags to what it takes to open a socket; reads the certificates that were named. */
import { readFile } from 'node:fs/promises';
import type { Endpoint } from '../core/endpoint.js';
import { TcpaliveError } from '../errors.js';
import type { OpenOptions } from '../net/open-socket.js';
import type { ConnectFlags } from './connect-flags.js';
import { unreadableWords } from './unreadable.js';

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
            ca: ca === undefined ? undefined : await readCertificates(ca),
            insecure: insecure ?? false,
          }
        : undefined,
  };
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/** OpenSSL passes over what it does not understand, and then trusts nobody. */
async function readCertificates(file: string): Promise<string> {
  const text = await readFile(file, 'latin1').catch((cause: unknown) => {
    throw unusable(`cannot read ${file}: ${unreadableWords(cause)}`, cause);
  });
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw unusable(`${file} holds no certificate in PEM`);
  const { X509Certificate } = await import('node:crypto');
  for (const [at, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch (cause) {
      throw unusable(`certificate ${at + 1} in ${file} cannot be understood`, cause);
    }
  }
  return certificates.join('\n');
}

function unusable(reason: string, cause?: unknown): TcpaliveError {
  return new TcpaliveError('BAD_USAGE', `--ca: ${reason}`, { cause });
}
