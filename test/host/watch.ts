/** Looks at the sockets of a namespace again and again, and takes a survey of it now and then. */
import type { Connection } from '../../src/core/survey.js';
import type { Span } from '../../src/core/timer-wheel.js';
import { takeSurvey } from '../../src/host/survey.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { kernel } from '../real-kernel.js';
import type { PrivateNamespace } from './private-namespace.js';

/** What one survey said of a connection; the moments are of our clock. */
export interface Announced {
  readonly connection: Connection;
  readonly from: number;
  readonly to: number;
}

/** When it was last there, and first no more. */
export interface Gone {
  readonly last: number;
  readonly first: number;
}

export class Watch {
  readonly announced = new Map<string, Announced[]>();
  readonly gone = new Map<string, Gone>();
  readonly #lastSeen = new Map<string, number>();
  readonly #namespace: PrivateNamespace;

  constructor(namespace: PrivateNamespace) {
    this.#namespace = namespace;
  }

  look(): void {
    const before = monotonicNow();
    const sockets = this.#namespace.inside(() => [...kernel.tcpSockets().sockets]);
    const after = monotonicNow();
    const there = new Set(Array.from(sockets, keyOf));
    for (const key of there) this.#lastSeen.set(key, before);
    for (const [key, last] of this.#lastSeen) {
      if (!there.has(key) && !this.gone.has(key)) this.gone.set(key, { last, first: after });
    }
  }

  survey(): void {
    const from = monotonicNow();
    const survey = takeSurvey(kernel, {
      namespaces: String(this.#namespace.pid),
      selection: {},
      owners: true,
    });
    const to = monotonicNow();
    for (const connection of survey.connections) {
      const key = keyOf(connection);
      const known = this.announced.get(key) ?? [];
      this.announced.set(key, [...known, { connection, from, to }]);
    }
  }
}

function keyOf({ local, peer }: Pick<Connection, 'local' | 'peer'>): string {
  return `${local.port}-${peer.port}`;
}

/** Undefined: the fate says no end, or none that can be told. */
export function announcedEnd({ fate }: Connection): Span | undefined {
  const ends = 'ends' in fate ? fate.ends : undefined;
  return ends !== undefined && 'ms' in ends ? ends.ms : undefined;
}
