/** A probe that cuts its own end: nothing from the peer arrives any more. Proves it, and judges. */
import { BEAT } from '../core/frame.js';
import { predict } from '../core/predict.js';
import type { ProbeDrop } from '../core/probe-result.js';
import type { DropEngine } from '../core/result.js';
import { msBetween, type Instant } from '../core/time.js';
import { liesIn } from '../core/verdict.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import { connect, type ClientOptions } from './client.js';
import type { Connection } from './connection.js';
import { pause } from '../kernel/interruption.js';
import type { ProbeOptions } from './probe-options.js';

/** A segment comes back from any living peer within this time, or not at all. */
const WITNESS_MS = 1000;
const LOOK_EVERY_MS = 10;

export class OwnDrop {
  readonly at: Instant;
  readonly predicted: ProbeDrop['predicted'];
  readonly engine: DropEngine;
  readonly #kernel: Kernel;
  readonly #options: ProbeOptions;
  readonly #connection: Connection;
  readonly #dropsBefore: number;
  #swallowed = 0;
  #witnessed = false;

  /** Cuts. @throws TcpaliveError NO_CAPABILITY when the kernel refuses it */
  constructor(kernel: Kernel, options: ProbeOptions, connection: Connection, engine: DropEngine) {
    this.#kernel = kernel;
    this.#options = options;
    this.#connection = connection;
    this.engine = engine;
    this.#dropsBefore = this.#drops();
    cutOrRefuse(kernel, connection, engine);
    this.at = monotonicNow();
    const { descriptor } = connection;
    const info = descriptor === undefined ? undefined : kernel.tcpInfo(descriptor);
    this.predicted = predict({
      mode: options.mode,
      rttMs: info?.rttMs ?? 0,
      load: 'idle',
      fault: 'blackhole',
      observer: 'client',
      sysctls: options.host.sysctl,
      hz: options.host.hz ?? undefined,
    });
  }

  /** Counts what was swallowed so far; to be called while the descriptor is still there. */
  look(): void {
    if (this.#connection.descriptor !== undefined) {
      this.#swallowed = this.#drops() - this.#dropsBefore;
    }
  }

  /**
   * On an idle connection nothing comes that could be swallowed: a second one to the same peer, cut
   * in the same way, shows that a segment would have been.
   */
  async proveByWitness(client: ClientOptions): Promise<void> {
    const witness = await connect(this.#kernel, { ...client, mode: {} }, {}).catch(() => undefined);
    if (witness === undefined) return; // the peer takes no second connection: unproven, as the result says
    const { connection } = witness;
    try {
      cutOrRefuse(this.#kernel, connection, this.engine);
      connection.send(BEAT);
      const started = monotonicNow();
      while (msBetween(started, monotonicNow()) < WITNESS_MS && !this.#witnessed) {
        await pause(LOOK_EVERY_MS, this.#options.interruption);
        const { descriptor } = connection;
        this.#witnessed = descriptor !== undefined && this.#kernel.drops(descriptor) > 0;
      }
    } finally {
      connection.reset();
    }
  }

  /** @param noticedAt undefined when it was watched in vain */
  result(noticedAt: Instant | undefined, wallClock: (at: Instant) => string): ProbeDrop {
    const noticedAfterMs = noticedAt === undefined ? null : msBetween(this.at, noticedAt);
    return {
      engine: this.engine,
      at: wallClock(this.at),
      swallowedSegments: this.#swallowed,
      proven: this.#swallowed > 0 || this.#witnessed,
      predicted: this.predicted,
      noticedAfterMs,
      agrees: this.#agrees(noticedAfterMs),
    };
  }

  #agrees(noticedAfterMs: number | null): boolean | null {
    const { predicted } = this;
    if (predicted.kind === 'never') return noticedAfterMs === null;
    if (predicted.kind === 'unknown') return null;
    if (noticedAfterMs !== null) {
      return liesIn(noticedAfterMs, predicted.fromDropMs, this.#options.mode);
    }
    const watchedMs = msBetween(this.at, monotonicNow());
    return watchedMs > predicted.fromDropMs.max * 1.05 ? false : null;
  }

  #drops(): number {
    const { descriptor } = this.#connection;
    return descriptor === undefined ? 0 : this.#kernel.drops(descriptor);
  }
}

/** @throws TcpaliveError NO_CAPABILITY where nothing can drop a segment */
export function dropEngine({ capabilities }: Kernel): DropEngine {
  if (capabilities.socketFilter) return 'socket-filter';
  if (capabilities.minTtl) return 'min-ttl';
  throw new TcpaliveError('NO_CAPABILITY', 'nothing here can drop a segment silently', {
    hint: 'it takes Linux with koffi, and IP_MINTTL or CAP_NET_ADMIN: see tcpalive doctor',
  });
}

/** @throws TcpaliveError NO_CAPABILITY; a connection that has ended is left alone. */
export function cutOrRefuse(kernel: Kernel, { descriptor }: Connection, engine: DropEngine): void {
  try {
    if (descriptor !== undefined) kernel.cut(descriptor, engine);
  } catch (error) {
    if (!(error instanceof KernelRefusal)) throw error;
    throw new TcpaliveError('NO_CAPABILITY', `this connection cannot be cut: ${error.message}`);
  }
}
