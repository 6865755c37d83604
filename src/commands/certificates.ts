import { readFile } from 'node:fs/promises';
import type { TcpaliveError } from '../errors.js';
import { unreadableWords } from './unreadable.js';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;

/**
 * All that are in a file, in PEM. OpenSSL passes over what it does not understand, and then trusts nobody.
 * @throws what `refuse` makes of a file that cannot be used
 */
export async function readCertificates(
  file: string,
  refuse: (reason: string, cause?: unknown) => TcpaliveError,
): Promise<string> {
  const text = await readFile(file, 'latin1').catch((cause: unknown) => {
    throw refuse(`cannot read ${file}: ${unreadableWords(cause)}`, cause);
  });
  const certificates = text.match(CERTIFICATE) ?? [];
  if (certificates.length === 0) throw refuse(`${file} holds no certificate in PEM`);
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  for (const [at, certificate] of certificates.entries()) {
    try {
      new X509Certificate(certificate);
    } catch (cause) {
      throw refuse(`certificate ${at + 1} in ${file} cannot be understood`, cause);
    }
  }
  return certificates.join('\n');
}
