/** Connecting within a time, by address or by name, with or without TLS, and why it could not be had. */
import type { Socket } from 'node:net';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import type { TlsFacts } from '../core/tls.js';
import { TcpaliveError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import { connectFirst } from './connect-first.js';
import { ConnectFailure, Patience } from './patience.js';
import { resolve } from './resolve.js';

export interface OpenOptions {
  readonly remote: Endpoint;
  /** For the name, the connection and TLS together. */
  readonly connectTimeoutMs: number;
  /** 4 or 6: only addresses of that family. */
  readonly family?: 4 | 6 | undefined;
  readonly tls?: TlsOptions | undefined;
  /** Ends the attempt early. */
  readonly interruption?: AbortSignal;
}

export interface TlsOptions {
  /** Whom to ask for, and whom the certificate must be for; undefined: the remote's own name. */
  readonly servername: string | undefined;
  /** Certificates (PEM) that are trusted instead of those that Node knows; undefined: those. */
  readonly ca: string | undefined;
  /** Go on whatever is wrong with the certificate; `TlsFacts.problem` says it. */
  readonly insecure: boolean;
}

export interface Opened {
  /** Under TLS its data is what was encrypted; its descriptor is the connection's own. */
  readonly socket: Socket;
  /** The address that is used. */
  readonly remote: Endpoint;
  /** All that the name has, in the order in which this host prefers them. */
  readonly addresses: readonly string[];
  readonly tls: TlsFacts | null;
}

/**
 * Resolves in the turn that connected it: nothing can happen to the socket before its new owner listens.
 * @throws TcpaliveError UNREACHABLE or TLS_FAILED, naming the address
 */
export async function openSocket(kernel: Kernel, options: OpenOptions): Promise<Opened> {
  const { remote, family, tls, connectTimeoutMs, interruption } = options;
  // Loaded only when asked for, and before there is a connection that would have to wait for it.
  const secure = tls && (await import('./secure.js')).secure;
  const patience = new Patience(connectTimeoutMs, interruption);
  let tried: readonly string[] = [];
  try {
    const { addresses, wanted } = await resolve(remote.address, family, patience);
    tried = wanted;
    const { socket: raw, address } = await connectFirst(kernel, wanted, remote.port, patience);
    const used = { remote: { address, port: remote.port }, addresses };
    if (tls === undefined || secure === undefined) return { ...used, socket: raw, tls: null };
    return { ...used, ...(await secure(raw, tls.servername ?? remote.address, tls, patience)) };
  } catch (error) {
    if (error instanceof ConnectFailure) throw inWords(error, remote, tried);
    throw error;
  } finally {
    patience.end();
  }
}

/** To connect once more to the same server: a name may have several. */
export function again<T extends OpenOptions>(options: T, { remote }: Pick<Opened, 'remote'>): T {
  const { tls } = options;
  if (tls === undefined) return { ...options, remote };
  const servername = tls.servername ?? options.remote.address;
  return { ...options, remote, tls: { ...tls, servername } };
}

/** Of several addresses each is named with its own reason. */
function inWords(
  { code, message, options }: ConnectFailure,
  remote: Endpoint,
  tried: readonly string[],
): TcpaliveError {
  const what = code === 'TLS_FAILED' ? 'no TLS with' : 'cannot connect to';
  const [only = remote.address, ...others] = tried;
  const at = others.length > 0 || only === remote.address ? '' : ` (${only})`;
  return new TcpaliveError(code, `${what} ${formatEndpoint(remote)}${at}: ${message}`, options);
}
