/** From a name to its addresses, in the order that this host prefers (getaddrinfo(3), RFC 6724). */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { ConnectFailure, type Patience } from './patience.js';

export interface Resolved {
  /** All that the name has. */
  readonly addresses: readonly string[];
  /** Those of the wanted family, never none. */
  readonly wanted: readonly string[];
}

/** @throws ConnectFailure */
export async function resolve(
  name: string,
  family: 4 | 6 | undefined,
  patience: Patience,
): Promise<Resolved> {
  const addresses = isIP(name) > 0 ? [name] : await addressesOf(name, patience);
  const wanted = addresses.filter((address) => family === undefined || isIP(address) === family);
  if (wanted.length > 0) return { addresses, wanted };
  throw new ConnectFailure(
    'UNREACHABLE',
    `it has no IPv${family ?? ''} address, only ${addresses.join(', ')}`,
    { hint: `leave out -${family ?? ''}` },
  );
}

async function addressesOf(name: string, patience: Patience): Promise<readonly string[]> {
  const found = await patience.during(
    () => lookup(name, { all: true, verbatim: true }).catch(refuse),
    (within) => unresolved(`the name was not resolved ${within}`),
  );
  return [...new Set(found.map(({ address }) => address))];
}

function refuse(cause: NodeJS.ErrnoException): never {
  const reasons: Readonly<Record<string, string>> = {
    ENOTFOUND: 'no such host',
    EAI_AGAIN: 'the name cannot be resolved now',
  };
  throw unresolved(reasons[cause.code ?? ''] ?? cause.message, cause);
}

function unresolved(reason: string, cause?: unknown): ConnectFailure {
  const hint = 'is the name spelled right, and does this host resolve names?';
  return new ConnectFailure('UNREACHABLE', reason, { hint, cause });
}
