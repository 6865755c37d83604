/**
 * TLS on a connected socket. Whether the certificate is trusted is judged here and not by Node, so
 * that the reason can be told either way: it ends the connection, or is reported.
 */
import { isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect, type PeerCertificate, type TLSSocket } from 'node:tls';
import type { TlsFacts } from '../core/tls.js';
import type { TlsOptions } from './open-socket.js';
import { ConnectFailure, type Patience } from './patience.js';

/**
 * @param name that is asked for, and that the certificate must be for; or an IP address
 * @returns a socket that takes the place of `raw`, with the same descriptor
 * @throws ConnectFailure; then `raw` is closed
 */
export async function secure(
  raw: Socket,
  name: string,
  { ca, insecure }: TlsOptions,
  patience: Patience,
): Promise<{ readonly socket: Socket; readonly tls: TlsFacts }> {
  raw.on('error', () => undefined); // what lies over it tells
  const socket = connect({
    socket: raw,
    // An address is no server name (RFC 6066 section 3).
    servername: isIP(name) === 0 ? name : '',
    rejectUnauthorized: false,
    checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
    ...(ca === undefined ? {} : { ca }),
  });
  try {
    await patience.during(() => handshake(socket), silent);
    const certificate = socket.getPeerCertificate();
    const problem = socket.authorized ? null : problemWords(socket, certificate, name);
    if (problem !== null && !insecure) throw untrusted(problem);
    resetRaw(socket, raw);
    return {
      socket,
      tls: {
        protocol: socket.getProtocol() ?? 'unknown',
        cipher: socket.getCipher().standardName,
        subject: nameWords(certificate.subject),
        issuer: nameWords(certificate.issuer),
        problem,
      },
    };
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/**
 * Node resets bare TCP sockets alone (ERR_INVALID_HANDLE_TYPE), and crashes when what lies over one is
 * destroyed while it closes (Node 20 to 24): until then that does nothing.
 */
function resetRaw(socket: TLSSocket, raw: Socket): void {
  const destroy = socket.destroy.bind(socket);
  socket.resetAndDestroy = () => {
    if (raw.destroyed) return socket;
    socket.destroy = () => socket;
    raw.prependOnceListener('close', () => (socket.destroy = destroy));
    raw.resetAndDestroy();
    return socket;
  };
}

function handshake(socket: TLSSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (cause: Error) => reject(broken(cause));
    socket.once('error', onError);
    socket.once('secureConnect', () => {
      socket.off('error', onError);
      resolve();
    });
  });
}

const NOT_TLS = 'is it TLS from the first byte on? otherwise leave out --tls';

function silent(within: string): ConnectFailure {
  const reason = `it did not finish the handshake ${within}`;
  return new ConnectFailure('TLS_FAILED', reason, { hint: NOT_TLS });
}

/** @param cause of OpenSSL, with the reason in its own words (ERR_reason_error_string(3)), or an errno */
function broken(cause: NodeJS.ErrnoException & { readonly reason?: string }): ConnectFailure {
  const { code, reason } = cause;
  const failure = (words: string, hint = NOT_TLS) =>
    new ConnectFailure('TLS_FAILED', words, { hint, cause });
  if (code === 'ECONNRESET') return failure('it closed the connection during the handshake');
  if (reason === undefined) return failure(cause.message);
  if (IS_ALERT.test(reason)) {
    return failure(
      `it refused: ${reason}`,
      'does it want another --servername, or our certificate?',
    );
  }
  return failure(OTHER_LANGUAGE.has(reason) ? `it does not speak TLS (${reason})` : reason);
}

/** What the peer told by an alert begins with a version in OpenSSL's words, 1.1 to 3.5. */
const IS_ALERT = /^(?:sslv3|tlsv1|tlsv13|ssl\/tls) /;

/** What OpenSSL makes of a first record that is none; the last is what an echo gets. */
const OTHER_LANGUAGE: ReadonlySet<string> = new Set([
  'wrong version number',
  'packet length too long',
  'http request',
  'record layer failure',
  'unexpected message',
]);

const ANOTHER_NAME = 'ERR_TLS_CERT_ALTNAME_INVALID';

function problemWords(
  { authorizationError }: TLSSocket,
  { subject, subjectaltname }: PeerCertificate,
  name: string,
): string {
  // Node's types promise an Error, and it is the code of one.
  const code = String(authorizationError);
  if (code !== ANOTHER_NAME) return PROBLEMS[code] ?? code.toLowerCase().replaceAll('_', ' ');
  return `it is for ${subjectaltname ?? nameWords(subject)}, and not for ${name}`;
}

/** X509_V_ERR_* of OpenSSL (X509_verify_cert_error_string(3)), those that are met. */
const PROBLEMS: Readonly<Record<string, string>> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'it is signed by itself',
  SELF_SIGNED_CERT_IN_CHAIN: 'who signed it is not known here',
  UNABLE_TO_GET_ISSUER_CERT: 'who signed it is not known here',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'who signed it is not known here',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'who signed it is not known here',
  CERT_HAS_EXPIRED: 'it has expired',
  CERT_NOT_YET_VALID: 'it is not valid yet',
};

function untrusted(problem: string): ConnectFailure {
  return new ConnectFailure('TLS_FAILED', `its certificate is not trusted: ${problem}`, {
    hint: '--ca FILE with who signed it, --servername NAME that it is for, or --insecure',
  });
}

/** `CN=example.org, O=Example`: as Node has it, several of a kind in a list. */
function nameWords(name: PeerCertificate['subject']): string {
  return Object.entries(name)
    .map(([kind, value]) => `${kind}=${String(value)}`)
    .join(', ');
}
