/**
 * What a web page can make a browser on this host send to a server here, and what it cannot. A server that
 * changes something on request and has no password takes only what no page can send. Knows no HTTP but
 * these two headers.
 */
import { addressBytes } from './address.js';

export interface PageHeaders {
  readonly host?: string | undefined;
  readonly tcpalive?: string | string[] | undefined;
}

/**
 * Whether a page could have sent it. A header of our own takes a preflight (Fetch standard, 4.8), whose
 * answer here permits nothing. A page whose name leads here by now (DNS rebinding) needs none, but says that
 * name as the host: an address, `localhost` and our own name are nobody else's.
 * @param ownName that it was told to listen on
 */
export function pageCouldSend({ host, tcpalive }: PageHeaders, ownName: string): boolean {
  if (tcpalive === undefined) return true;
  const name = nameIn(host ?? '');
  return name !== 'localhost' && name !== ownName.toLowerCase() && addressBytes(name) === undefined;
}

/** Without the port and the brackets of IPv6, in lower case. */
function nameIn(host: string): string {
  const [, bracketed, bare] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  return (bracketed ?? bare ?? '').toLowerCase();
}
