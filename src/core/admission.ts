/**
 * Who is let in: a decision about counts, which opens and closes nothing. Those who share an IPv4 address,
 * or a /64 of IPv6, count together, for whoever has one address of a /64 has them all.
 */
import { networkOf } from './address.js';

export interface AdmissionLimits {
  readonly maxConnections: number;
  /** Undefined: as many as there are places. */
  readonly maxPerAddress?: number | undefined;
  /** Where all places are taken, the longest silent connection gives up its own. */
  readonly evict?: boolean | undefined;
}

/** `evict`: let in, once a place has been made. `connections` and `address`: refused, by that limit. */
export type Admittance = 'admit' | 'evict' | 'connections' | 'address';

export class Admission {
  readonly #limits: AdmissionLimits;
  readonly #perNetwork = new Map<string, number>();
  #taken = 0;

  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** What becomes of one more from `address`. */
  decide(address: string): Admittance {
    const { maxConnections, maxPerAddress, evict = false } = this.#limits;
    if (maxPerAddress !== undefined) {
      if ((this.#perNetwork.get(networkOf(address)) ?? 0) >= maxPerAddress) return 'address';
    }
    if (this.#taken < maxConnections) return 'admit';
    return evict ? 'evict' : 'connections';
  }

  enter(address: string): void {
    this.#taken++;
    this.#count(address, 1);
  }

  /** Once for each that entered. */
  leave(address: string): void {
    this.#taken--;
    this.#count(address, -1);
  }

  #count(address: string, change: 1 | -1): void {
    if (this.#limits.maxPerAddress === undefined) return;
    const network = networkOf(address);
    const count = (this.#perNetwork.get(network) ?? 0) + change;
    if (count === 0) this.#perNetwork.delete(network);
    else this.#perNetwork.set(network, count);
  }
}
