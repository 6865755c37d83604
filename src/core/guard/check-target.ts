/**
 * Addresses that a guardian asks or calls: `tcp://host:port`, `http://…`, `https://…`. What is not on this
 * host is only spoken to when that was allowed: a typing error must not restart somebody else's service.
 */
import { TcpaliveError } from '../../errors.js';
import { isLoopback } from '../address.js';
import { parseEndpoint, type Endpoint } from '../endpoint.js';

export type CheckTarget =
  | { readonly kind: 'tcp'; readonly remote: Endpoint }
  | { readonly kind: 'http'; readonly url: URL };

/** An address that does something when it is called. */
export interface ActionUrl {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
}

/** @throws TcpaliveError BAD_USAGE */
export function parseCheckTarget(text: string): CheckTarget {
  const [, endpoint] = /^tcp:\/\/(.*)$/.exec(text) ?? [];
  if (endpoint !== undefined) return { kind: 'tcp', remote: parseEndpoint(endpoint) };
  const url = parseHttp(text);
  if (url !== undefined) return { kind: 'http', url };
  throw new TcpaliveError(
    'BAD_USAGE',
    `'${text}' cannot be checked: tcp://127.0.0.1:7777 or http://127.0.0.1:8080/status`,
  );
}

/** `http://…`, or `POST http://…`. @throws TcpaliveError BAD_USAGE */
export function parseActionUrl(text: string): ActionUrl {
  const [, method = 'GET', address = ''] = /^(?:(GET|POST)\s+)?(.*)$/s.exec(text.trim()) ?? [];
  const url = parseHttp(address);
  if (url !== undefined) return { method: method === 'POST' ? 'POST' : 'GET', url };
  throw new TcpaliveError(
    'BAD_USAGE',
    `'${text}' cannot be called: http://127.0.0.1:8080/restart, or POST http://127.0.0.1:8080/restart`,
  );
}

/** @throws TcpaliveError BAD_USAGE when it is not on this host, naming it */
export function refuseRemote(target: CheckTarget | ActionUrl): void {
  const host = 'url' in target ? target.url.hostname : target.remote.address;
  if (isLocal(host)) return;
  throw new TcpaliveError('BAD_USAGE', `${host} is not this host: --allow-remote lets it be asked`);
}

/** Where to, without what is nobody's business: credentials, query and fragment. */
export function formatUrl({ origin, pathname }: URL): string {
  return `${origin}${pathname}`;
}

/** Of names only `localhost`: what is under it may be asked of a name server (RFC 6761 section 6.3). */
function isLocal(host: string): boolean {
  return /^localhost\.?$/i.test(host) || isLoopback(host.replace(/^\[(.*)\]$/, '$1'));
}

function parseHttp(text: string): URL | undefined {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return undefined;
  return new URL(text);
}
