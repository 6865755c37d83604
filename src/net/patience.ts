/** One deadline, and one interruption, for all that it takes to open a socket. */

/** Why a socket could not be opened; whoever wanted it says where to. */
export class ConnectFailure extends Error {
  override readonly name = 'ConnectFailure';

  constructor(
    readonly code: 'UNREACHABLE' | 'TLS_FAILED',
    reason: string,
    readonly options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(reason);
  }
}

/** What a failure is due to that is only the clock's. */
export class OutOfTime extends Error {
  override readonly name = 'OutOfTime';
}

export class Patience {
  readonly #limitMs: number;
  readonly #interruption: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #over = new AbortController();
  readonly #interrupt = () => this.#over.abort();

  constructor(limitMs: number, interruption: AbortSignal | undefined) {
    this.#limitMs = limitMs;
    this.#interruption = interruption;
    this.#timer = setTimeout(() => this.#over.abort(), limitMs);
    interruption?.addEventListener('abort', this.#interrupt);
    if (interruption?.aborted === true) this.#interrupt();
  }

  /**
   * Settles as the work does, in the same turn. Who works gives back what it holds when this ends first.
   * @param expired asked when the time is over: `(within) => no answer within 10s`
   * @throws ConnectFailure when the time is over, or it was interrupted: then nothing new is begun
   */
  during<T>(work: () => Promise<T>, expired: (within: string) => ConnectFailure): Promise<T> {
    const { signal } = this.#over;
    const ended = () => {
      if (this.#interruption?.aborted === true)
        return new ConnectFailure('UNREACHABLE', 'interrupted');
      const { code, message, options } = expired(`within ${this.#limitMs / 1000}s`);
      return new ConnectFailure(code, message, { ...options, cause: new OutOfTime() });
    };
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(ended());
        return;
      }
      const giveUp = () => reject(ended());
      signal.addEventListener('abort', giveUp);
      work()
        .then(resolve, reject)
        .finally(() => signal.removeEventListener('abort', giveUp));
    });
  }

  /** Listens to nothing any more. */
  end(): void {
    clearTimeout(this.#timer);
    this.#interruption?.removeEventListener('abort', this.#interrupt);
  }
}
