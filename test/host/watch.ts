/**
 * Looks at connections of a namespace again and again, and takes a survey of it now and then. Each is
 * asked for by both its ends: a port may be shared by connections to different peers, and to walk through
 * all of the kernel's table would take most of a core.
 */
import type { Endpoint } from '../../src/core/endpoint.js';
import type { Connection } from '../../src/core/survey.js';
import type { Span } from '../../src/core/timer-wheel.js';
import { takeSurvey } from '../../src/host/survey.js';
import { monotonicNow } from '../../src/kernel/clock.js';
import { kernel } from '../real-kernel.js';
import type { PrivateNamespace } from './private-namespace.js';

/** As its owner sees it. */
export interface Ends {
  readonly local: Endpoint;
  readonly peer: Endpoint;
}

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
  readonly #watched = new Map<string, Ends>();
  readonly #announced = new Map<string, Announced[]>();
  readonly #gone = new Map<string, Gone>();
  readonly #lastSeen = new Map<string, number>();
  readonly #namespace: PrivateNamespace;

  constructor(namespace: PrivateNamespace) {
    this.#namespace = namespace;
  }

  add(ends: Ends): void {
    this.#watched.set(keyOf(ends), ends);
  }

  look(): void {
    this.#namespace.inside(() => {
      for (const [key, { local, peer }] of this.#watched) {
        const before = monotonicNow();
        if (kernel.socketDiag(local, peer) !== undefined) {
          this.#lastSeen.set(key, before);
          continue;
        }
        const last = this.#lastSeen.get(key);
        if (last === undefined) continue;
        this.#gone.set(key, { last, first: monotonicNow() });
        this.#watched.delete(key);
      }
    });
  }

  async survey(): Promise<void> {
    const from = monotonicNow();
    const survey = await takeSurvey(kernel, {
      namespaces: String(this.#namespace.pid),
      selection: {},
      owners: true,
    });
    const to = monotonicNow();
    for (const connection of survey.connections) {
      const key = keyOf(connection);
      // A short life may end before the first look.
      this.#lastSeen.set(key, from);
      const known = this.#announced.get(key) ?? [];
      this.#announced.set(key, [...known, { connection, from, to }]);
    }
  }

  /** The surveys that listed it, in order. */
  announced(ends: Ends): readonly Announced[] {
    return this.#announced.get(keyOf(ends)) ?? [];
  }

  /** Undefined: it is still there, or has not been seen yet. */
  gone(ends: Ends): Gone | undefined {
    return this.#gone.get(keyOf(ends));
  }

  /** The latest moment by which what is still there is to be gone, as last announced; 0: none is. */
  announcedUntil(): number {
    const latest = [...this.#watched.values()].map((ends) => {
      const last = this.announced(ends).at(-1);
      const end = last === undefined ? undefined : announcedEnd(last.connection);
      return last === undefined || end === undefined ? 0 : last.to + end.max;
    });
    return Math.max(0, ...latest);
  }
}

function keyOf({ local, peer }: Ends): string {
  return `${local.port}-${peer.port}`;
}

/** Undefined: the fate says no end, or none that can be told. */
export function announcedEnd({ fate }: Connection): Span | undefined {
  const ends = 'ends' in fate ? fate.ends : undefined;
  return ends !== undefined && 'ms' in ends ? ends.ms : undefined;
}
