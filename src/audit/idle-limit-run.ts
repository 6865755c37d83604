/**
 * The connections of one `--idle-limit`, and what each was found to be: rounds of silences, each as long
 * as those before it let on, and one more silence with keepalive.
 */
import { formatEndpoint } from '../core/endpoint.js';
import { BESIDE, bracketOf, nextSilences, type IdleLimitTerms } from '../core/idle-limit-plan.js';
import type {
  IdleLimitEvent,
  IdleLimitVerdict,
  IdleTrial,
  KeepaliveTrial,
} from '../core/idle-limit-result.js';
import type { KeepaliveSettings } from '../core/mode.js';
import { safeKeepalive } from '../core/safe-keepalive.js';
import { msBetween } from '../core/time.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Opened } from '../net/open-socket.js';
import type { IdleLimitOptions } from './idle-limit.js';
import { SilentConnection } from './silent-connection.js';

/** A trial is late by that much at most. */
const LOOK_EVERY_MS = 50;

const SHOW_EVERY_MS = 1000;

/** Longer than what others did not survive, beyond doubt. */
const BEYOND_MS = 1000;

/** Where nothing lived for long enough to tell what is safe. */
const QUICKEST: KeepaliveSettings = { idleSeconds: 1, intervalSeconds: 1, count: 3 };

export class IdleLimitRun {
  opened = 0;
  /** Where every connection goes; undefined: none could be had. */
  used: Omit<Opened, 'socket'> | undefined;
  keepalive: KeepaliveTrial = { kind: 'not-tested' };
  readonly trials: IdleTrial[] = [];
  readonly #notes: string[] = [];
  readonly #kernel: Kernel;
  readonly #options: IdleLimitOptions;
  readonly #onEvent: (event: IdleLimitEvent) => void;
  readonly #open = new Set<SilentConnection>();
  /** A name may have several addresses, whose paths differ: all connections go where this one went. */
  #first: Promise<Opened> | undefined;
  #withKeepalive: SilentConnection | undefined;
  /** Of those that the path has forgotten, the server hears no goodbye. */
  #untold = 0;
  #shownAt = monotonicNow();

  constructor(kernel: Kernel, options: IdleLimitOptions, onEvent: (event: IdleLimitEvent) => void) {
    this.#kernel = kernel;
    this.#options = options;
    this.#onEvent = onEvent;
  }

  get notes(): readonly string[] {
    if (this.#untold === 0) return this.#notes;
    return [
      ...this.#notes,
      `the server may still hold ${this.#untold} of them: the path lets nothing through that would tell it`,
    ];
  }

  /** What is known so far. */
  get verdict(): IdleLimitVerdict {
    const { livedMs, loss, spoken } = bracketOf(this.trials);
    if (loss === undefined) {
      if (spoken !== undefined) return { kind: 'spoken', livedMs, everyMs: spoken.silenceMs };
      return { kind: livedMs >= this.#options.waitMs ? 'none' : 'unknown', livedMs };
    }
    const { silenceMs, outcome } = loss;
    if (outcome.kind === 'closed') {
      return { kind: 'closed', livedMs, afterMs: silenceMs, by: outcome.by };
    }
    const how = outcome.kind === 'lost' ? outcome.how : 'silent';
    if (livedMs === 0 && how === 'silent') {
      return { kind: 'no-answer', livedMs: 0, lostMs: silenceMs };
    }
    return { kind: 'found', livedMs, lostMs: silenceMs, how };
  }

  /** Round after round, as long as each one tells something. */
  async findLimit(): Promise<void> {
    for (let round = 1; !this.#isInterrupted(); round++) {
      const { length } = nextSilences(this.trials, this.#terms());
      if (length === 0) return;
      const { livedMs, loss } = bracketOf(this.trials);
      const connections = await this.#openSome(length);
      if (loss !== undefined) await this.#openWithKeepalive();
      if (connections.length === 0) return;
      await this.#watchRound(round, connections);
      const known = bracketOf(this.trials);
      if (known.livedMs !== livedMs || known.loss !== loss || this.#isInterrupted()) continue;
      if (nextSilences(this.trials, this.#terms()).length > 0) {
        this.#notes.push('the last connections could not tell anything more');
      }
      return;
    }
  }

  /** Beyond the silence that others did not survive. */
  async findKeepalive(): Promise<void> {
    const { livedMs, loss } = bracketOf(this.trials);
    if (loss === undefined || livedMs === 0 || this.#isInterrupted()) return;
    await this.#openWithKeepalive();
    const connection = this.#withKeepalive;
    if (connection === undefined) return;
    connection.askAfter(loss.silenceMs + BEYOND_MS);
    await this.#watch([connection]);
    const { trial, settings, answeredProbes } = connection;
    if (trial === undefined || settings === undefined) return;
    const { silenceMs, outcome } = trial;
    const kind = outcome.kind === 'lived' ? 'survived' : 'lost';
    this.keepalive = { kind, settings, silenceMs, answeredProbes, outcome };
  }

  close(): void {
    for (const connection of this.#open) connection.close();
    this.#open.clear();
  }

  #isInterrupted(): boolean {
    return this.#options.interruption.aborted;
  }

  #terms(most = this.#options.connections - BESIDE): IdleLimitTerms {
    return { waitMs: this.#options.waitMs, most };
  }

  async #watchRound(round: number, connections: readonly SilentConnection[]): Promise<void> {
    // Fewer than were wanted may have been had.
    const silencesMs = nextSilences(this.trials, this.#terms(connections.length));
    for (const [at, connection] of connections.entries()) {
      connection.askAfter(silencesMs[at] ?? this.#options.waitMs);
    }
    this.#onEvent({ event: 'round', round, silencesMs });
    await this.#watch(connections, (trial) => {
      this.trials.push(trial);
      this.#onEvent({ event: 'trial', ...trial });
    });
  }

  /** Until each has told, or one for all that are to be silent for longer. */
  async #watch(
    connections: readonly SilentConnection[],
    onTrial?: (trial: IdleTrial) => void,
  ): Promise<void> {
    let pending = connections;
    for (;;) {
      const now = monotonicNow();
      this.#withKeepalive?.look(now);
      for (const connection of pending) connection.look(now);
      const suspects = pending.filter(({ isSuspect }) => isSuspect);
      if (suspects.length > 0 && !(await this.#askAgain(suspects))) return;
      let shortestLostMs = Infinity;
      for (const { trial, askedAfterMs } of pending) {
        if (trial !== undefined) onTrial?.(trial);
        if (trial?.outcome.kind === 'lost') shortestLostMs = Math.min(shortestLostMs, askedAfterMs);
      }
      const isOver = ({ trial, askedAfterMs }: SilentConnection) =>
        trial !== undefined || askedAfterMs > shortestLostMs;
      for (const connection of pending.filter(isOver)) {
        const kind = connection.trial?.outcome.kind;
        const isForgotten = kind === undefined || kind === 'lost';
        if (isForgotten) this.#untold++;
        this.#leave(connection, isForgotten);
      }
      pending = pending.filter((connection) => !isOver(connection));
      if (pending.length === 0 || this.#isInterrupted()) return;
      this.#show(Math.max(...pending.map((each) => each.leftMs(now))));
      await pause(LOOK_EVERY_MS, this.#options.interruption);
    }
  }

  /** What is not answered tells of silence only while the server can be reached at all. */
  async #askAgain(suspects: readonly SilentConnection[]): Promise<boolean> {
    const [connection] = await this.#openSome(1);
    if (connection === undefined) return false;
    this.#leave(connection);
    for (const suspect of suspects) suspect.look(monotonicNow(), true);
    return true;
  }

  async #openWithKeepalive(): Promise<void> {
    if (this.#withKeepalive !== undefined || this.#isInterrupted()) return;
    const { keepalive, host } = this.#options;
    const { livedMs } = bracketOf(this.trials);
    const wanted = keepalive ?? safeKeepalive(livedMs, host.hz ?? undefined) ?? QUICKEST;
    const [connection] = await this.#openSome(1, wanted);
    this.#withKeepalive = connection;
    if (connection?.settings === undefined) return;
    this.#onEvent({ event: 'keepalive', settings: connection.settings });
  }

  /** Those that could be had. @throws TcpaliveError when none ever could */
  async #openSome(
    count: number,
    keepalive?: KeepaliveSettings | 'system',
  ): Promise<readonly SilentConnection[]> {
    const attempts = await Promise.allSettled(
      Array.from({ length: count }, () => this.#openOne(keepalive)),
    );
    const failures = attempts.filter((attempt) => attempt.status === 'rejected');
    const [failure] = failures;
    if (failure !== undefined && !this.#isInterrupted()) {
      const error: unknown = failure.reason;
      if (!(error instanceof TcpaliveError) || this.opened === 0) throw error;
      this.#notes.push(`${failures.length} of ${count} connections not opened: ${error.message}`);
    }
    return attempts.flatMap((attempt) => (attempt.status === 'fulfilled' ? attempt.value : []));
  }

  async #openOne(keepalive?: KeepaliveSettings | 'system'): Promise<SilentConnection> {
    const opening = this.#options.open(this.#first && (await this.#first));
    this.#first ??= opening;
    const { socket, ...used } = await opening;
    const connection = this.#silence(socket, keepalive);
    this.#open.add(connection);
    this.opened++;
    if (this.used === undefined) {
      this.used = used;
      const { remote, addresses } = used;
      this.#onEvent({ event: 'opened', measured: formatEndpoint(remote), addresses });
    }
    return connection;
  }

  /** What was opened is owned by whoever watches it, or closed. */
  #silence(socket: Opened['socket'], keepalive?: KeepaliveSettings | 'system'): SilentConnection {
    try {
      return new SilentConnection(this.#kernel, socket, keepalive);
    } catch (error) {
      socket.destroy();
      throw error;
    }
  }

  #leave(connection: SilentConnection, isForgotten = false): void {
    connection.close(isForgotten);
    this.#open.delete(connection);
  }

  #show(leftMs: number): void {
    const now = monotonicNow();
    if (msBetween(this.#shownAt, now) < SHOW_EVERY_MS) return;
    this.#shownAt = now;
    const { livedMs, loss } = bracketOf(this.trials);
    const lostMs = loss?.silenceMs ?? null;
    this.#onEvent({ event: 'waiting', livedMs, lostMs, open: this.#open.size, leftMs });
  }
}
