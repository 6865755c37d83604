/** TLS servers of a test's own, with certificates that `openssl` makes anew: none can expire in the repository. */
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer, type TLSSocket } from 'node:tls';
import { onTestFinished } from 'vitest';

/** For `localhost` and 127.0.0.1, in PEM. */
interface Identity {
  readonly cert: string;
  readonly key: string;
}

interface Certificates {
  /** Who signed `server`. */
  readonly ca: string;
  readonly server: Identity;
  readonly selfSigned: Identity;
  /** Signed by itself, with a name that a terminal would act on. */
  readonly hostile: Identity;
}

export interface TlsServer {
  readonly port: number;
  /** For whoever comes from now on. */
  readonly become: (identity: Identity) => void;
  /** In the order in which their handshakes ended. */
  readonly secured: readonly TLSSocket[];
  /** What lies under TLS, in the order in which they came. */
  readonly raw: readonly Socket[];
}

let made: Certificates | undefined;

export function certificates(): Certificates {
  return (made ??= makeCertificates());
}

/** Echoes, or speaks otherwise, and is gone with all its connections when the test is over. */
export async function tlsEcho(
  { cert, key } = certificates().server,
  speak: (socket: TLSSocket) => unknown = (socket) => socket.pipe(socket),
): Promise<TlsServer> {
  const secured: TLSSocket[] = [];
  const raw: Socket[] = [];
  const server = createServer({ cert, key }, (socket) => {
    secured.push(socket);
    socket.on('error', () => undefined); // a client may reset it
    speak(socket);
  });
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => undefined);
    raw.push(socket);
  });
  onTestFinished(() => {
    server.close();
    for (const socket of raw) socket.destroy();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const become = (identity: Identity) => server.setSecureContext(identity);
  return { port: (server.address() as AddressInfo).port, become, secured, raw };
}

function makeCertificates(): Certificates {
  const folder = mkdtempSync(join(tmpdir(), 'tcpalive-tls-'));
  const path = (name: string) => join(folder, name);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const identify = (name: string, ...more: readonly string[]): Identity => {
    const files = ['-keyout', path(`${name}.key`), '-out', path(`${name}.pem`)];
    execFileSync('openssl', ['req', '-x509', ...newKey, '-days', '2', ...files, ...more], {
      stdio: 'ignore',
    });
    const read = (kind: string) => readFileSync(path(`${name}.${kind}`), 'latin1');
    return { cert: read('pem'), key: read('key') };
  };
  const forUs = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  try {
    const { cert: ca } = identify('ca', '-subj', '/CN=tests of tcpalive');
    const signed = ['-CA', path('ca.pem'), '-CAkey', path('ca.key')];
    return {
      ca,
      server: identify('server', ...forUs, ...signed),
      selfSigned: identify('self-signed', ...forUs),
      hostile: identify('hostile', '-subj', '/CN=\x1b]0;owned\x07'),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
