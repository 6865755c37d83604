/** Addresses as the kernel has them: bytes, and the family that they are of. */
import { addressBytes } from '../../core/address.js';
import type { Endpoint } from '../../core/endpoint.js';

export const AF_INET = 2;
export const AF_INET6 = 10;

export function familyOf(bytes: Uint8Array): number {
  return bytes.length === 4 ? AF_INET : AF_INET6;
}

/** A zone (`fe80::1%eth0`) is no part of the address. @throws RangeError */
export function bytesOf({ address }: Pick<Endpoint, 'address'>): Uint8Array {
  const bytes = addressBytes(address.replace(/%.*$/, ''));
  if (bytes === undefined) throw new RangeError(`${address} is no address`);
  return bytes;
}
