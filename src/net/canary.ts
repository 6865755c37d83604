/**
 * Whether whoever connects is accepted. Node reports no failed accept(), and at the descriptor limit libuv
 * accepts and closes whoever waits without a word (uv__emfile_trick), so now and then a connection of our own
 * goes where clients go. It is known by its local port, and nobody else is told of it.
 */
import { connect, type Socket } from 'node:net';
import type { Endpoint } from '../core/endpoint.js';
import type { AcceptHealth } from '../core/serve-status.js';

export interface CanaryOptions {
  readonly everyMs: number;
  /** How long it may take to be accepted. */
  readonly patienceMs: number;
}

const USUAL: CanaryOptions = { everyMs: 2000, patienceMs: 1000 };

export class Canary {
  readonly #server: Endpoint;
  readonly #onChange: (health: AcceptHealth) => void;
  readonly #isAlone: () => boolean;
  readonly #options: CanaryOptions;
  readonly #interval: NodeJS.Timeout;
  #flying: Socket | undefined;
  #patience: NodeJS.Timeout | undefined;
  #health: AcceptHealth = { kind: 'unknown', reason: null, failures: 0 };

  /**
   * @param server where it listens
   * @param onChange when it begins to fail, and when it works again
   * @param isAlone false while another process may accept there, and would take it for a client
   */
  constructor(
    server: Endpoint,
    onChange: (health: AcceptHealth) => void,
    isAlone: () => boolean,
    options = USUAL,
  ) {
    this.#server = server;
    this.#onChange = onChange;
    this.#isAlone = isAlone;
    this.#options = options;
    this.#interval = setInterval(() => this.#fly(), options.everyMs);
    this.#fly();
  }

  get health(): AcceptHealth {
    return this.#health;
  }

  /** Whether an accepted socket is its own: then it is done with. */
  takes(accepted: Socket): boolean {
    const flying = this.#flying;
    if (flying === undefined || accepted.remotePort !== flying.localPort) return false;
    if (accepted.remoteAddress !== flying.localAddress) return false;
    accepted.on('error', () => undefined); // both ends are ours
    accepted.resetAndDestroy(); // leaves no TIME-WAIT behind
    this.#settle(undefined);
    return true;
  }

  /** Idempotent. */
  close(): void {
    clearInterval(this.#interval);
    this.#land();
  }

  #fly(): void {
    if (this.#flying !== undefined || !this.#isAlone()) return;
    const { address, port } = this.#server;
    const flying = connect({ host: REACHED_BY[address] ?? address, port });
    this.#flying = flying;
    let reason = 'the kernel let it in, and it was closed before it was accepted';
    flying.on('error', ({ code, message }: NodeJS.ErrnoException) => (reason = code ?? message));
    flying.on('close', () => {
      if (this.#flying === flying) this.#settle(reason);
    });
    const { patienceMs } = this.#options;
    // After one poll phase: where our own loop was late, it may be about to be accepted.
    this.#patience = setTimeout(
      () =>
        setImmediate(() => {
          if (this.#flying === flying) this.#settle(`nobody was accepted within ${patienceMs} ms`);
        }),
      patienceMs,
    );
  }

  #settle(reason: string | undefined): void {
    this.#land();
    const { kind: before, failures } = this.#health;
    this.#health =
      reason === undefined
        ? { kind: 'works', reason: null, failures }
        : { kind: 'fails', reason, failures: failures + 1 };
    if (this.#health.kind === 'fails' ? before !== 'fails' : before === 'fails') {
      this.#onChange(this.#health);
    }
  }

  #land(): void {
    clearTimeout(this.#patience);
    const flying = this.#flying;
    this.#flying = undefined;
    if (flying === undefined) return;
    // Where it still waits to be accepted, a reset leaves nothing there that could pass for a client.
    if (flying.connecting) flying.destroy();
    else flying.resetAndDestroy();
  }
}

/** Whoever listens on every address is reached by this one. */
const REACHED_BY: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
