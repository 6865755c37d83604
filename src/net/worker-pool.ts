/**
 * The workers of a server, as their primary sees them: started, dealt connections, replaced when they
 * end, and drained. It accepts nothing itself and must not know what a connection is for.
 *
 * Dealing takes half of the connects per second that workers on a shared listener take (measured: 3,500
 * against 7,300 with four of them on two cores), but that gave one of five 38 % of all connections.
 */
import type { ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';
import { Dealing } from '../core/dealing.js';
import { NO_COUNTS, sumCounts, withLost, type ServerCounts } from '../core/server-counts.js';
import type { ServerSnapshot } from '../core/serve-status.js';
import { msBetween, type Instant } from '../core/time.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { orInterrupted } from '../kernel/interruption.js';
import { Delivery, STUCK_MS } from './delivery.js';
import type { SessionsOptions } from './sessions.js';
import type { FromWorker, ToWorker } from './worker-messages.js';

export interface WorkerPoolOptions {
  readonly workers: number;
  /** Of each worker. */
  readonly sessions: SessionsOptions;
  readonly watchSelf: boolean;
  /** Starts the process of a worker, by its number from 1 on, with an IPC channel. */
  readonly start: (worker: number) => ChildProcess;
  /** Accepted and not handed on yet: each holds a descriptor of this process. */
  readonly mostWaiting: number;
}

export type WorkerEvent =
  | { readonly kind: 'worker-started'; readonly worker: number; readonly pid: number }
  /** With so many connections; another one is started. */
  | {
      readonly kind: 'worker-lost';
      readonly worker: number;
      readonly pid: number;
      readonly reason: string;
      readonly connections: number;
    };

/** Who ends sooner was no accident, and the next one waits twice as long. */
const STEADY_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/** For what is accepted and not handed on, and for whoever does not end at his time. */
const GRACE_MS = 5000;

/** How a connection ended whose worker was lost. */
const LOST = 'worker';

interface Asking {
  resolve(snapshot: ServerSnapshot): void;
  reject(bug: Error): void;
}

interface Worker {
  readonly number: number;
  readonly child: ChildProcess;
  readonly startedAt: Instant;
  /** Of what was dealt to it. */
  readonly delivery: Delivery;
  /** Who waits for its next snapshot. */
  readonly asking: Set<Asking>;
  counts: ServerCounts;
  hasEnded: boolean;
  readonly gone: Promise<void>;
}

export class WorkerPool {
  readonly #options: WorkerPoolOptions;
  readonly #onEvent: (event: WorkerEvent) => void;
  readonly #dealing = new Dealing<Worker>();
  readonly #workers = new Set<Worker>();
  readonly #restarts = new Set<NodeJS.Timeout>();
  /** How long each waits before its next start, by its number. */
  readonly #pauses = new Map<number, number>();
  /** While there is no worker at all. */
  readonly #unassigned: Socket[] = [];
  readonly #past: ServerCounts[] = [];
  #stillOpen = 0;
  #isEnding = false;
  #idle: () => void = () => undefined;

  private constructor(options: WorkerPoolOptions, onEvent: (event: WorkerEvent) => void) {
    this.#options = options;
    this.#onEvent = onEvent;
  }

  /** @throws TcpaliveError WORKER_FAILED; none is left then */
  static async start(
    options: WorkerPoolOptions,
    onEvent: (event: WorkerEvent) => void,
  ): Promise<WorkerPool> {
    const pool = new WorkerPool(options, onEvent);
    const numbers = Array.from({ length: options.workers }, (_, at) => at + 1);
    try {
      await Promise.all(numbers.map((number) => pool.#begin(number)));
    } catch (error) {
      pool.#beginNone();
      const left = [...pool.#workers];
      for (const { child } of left) child.kill('SIGKILL');
      await Promise.all(left.map(({ gone }) => gone));
      throw error;
    }
    return pool;
  }

  /** Those that are on their way to a worker too. */
  get connections(): number {
    return this.#dealing.connections + this.#unassigned.length;
  }

  /** Of those that have ended as well: up to a second old. */
  get counts(): ServerCounts {
    return sumCounts([...this.#past, ...[...this.#workers].map(({ counts }) => counts)]);
  }

  /** Left over by those that have ended. */
  get stillOpen(): number {
    return this.#stillOpen;
  }

  /** @param socket just accepted, and paused. @returns false: there is no room to keep it meanwhile */
  take(socket: Socket): boolean {
    if (this.#waiting() >= this.#options.mostWaiting) return false;
    this.#deal(socket);
    return true;
  }

  /** What was accepted is handed on, then each worker drains and ends; who does not, is ended. */
  async drain(timeoutMs: number, interruption: AbortSignal): Promise<void> {
    const handedOn = new Promise<void>((resolve) => {
      this.#idle = resolve;
      if (this.#waiting() === 0) resolve();
    });
    await orInterrupted(handedOn, AbortSignal.any([interruption, AbortSignal.timeout(GRACE_MS)]));
    this.#beginNone();
    for (const socket of this.#unassigned.splice(0)) socket.resetAndDestroy();
    const left = [...this.#workers];
    for (const worker of left) this.#tell(worker, { kind: 'drain', timeoutMs });
    let timer = this.#endLater(left, timeoutMs + GRACE_MS);
    const hurry = () => {
      for (const worker of left) this.#tell(worker, { kind: 'close' });
      clearTimeout(timer);
      timer = this.#endLater(left, GRACE_MS);
    };
    if (interruption.aborted) hurry();
    else interruption.addEventListener('abort', hurry, { once: true });
    await Promise.all(left.map(({ gone }) => gone));
    clearTimeout(timer);
  }

  /** Of those that answer in time; rejects with what went wrong in one that has a bug. */
  async snapshots(): Promise<readonly ServerSnapshot[]> {
    const answers = [...this.#workers].map(async (worker) => {
      const answer = new Promise<ServerSnapshot>((resolve, reject) => {
        worker.asking.add({ resolve, reject });
      });
      this.#tell(worker, { kind: 'ask' });
      return orInterrupted(answer, AbortSignal.timeout(STUCK_MS));
    });
    return (await Promise.all(answers)).filter((snapshot) => snapshot !== undefined);
  }

  /** To all of them, whatever they do with it. */
  signal(name: NodeJS.Signals): void {
    for (const { child } of this.#workers) child.kill(name);
  }

  #waiting(): number {
    let waiting = this.#unassigned.length;
    for (const { delivery } of this.#workers) waiting += delivery.pending;
    return waiting;
  }

  #deal(socket: Socket): void {
    const now = monotonicNow();
    const isAble = ({ delivery }: Worker) => !delivery.isStuck(now);
    const worker = this.#dealing.deal(isAble) ?? this.#dealing.deal();
    if (worker === undefined) this.#unassigned.push(socket);
    else worker.delivery.push(socket);
  }

  /**
   * It is well, and has not taken what it was sent: Node drops a socket, and its message, after three attempts
   * (SentHandleNotReceivedWarning). What is sent now comes behind it.
   */
  #findLost(worker: Worker): void {
    const { delivery } = worker;
    if (delivery.isStuck(monotonicNow()))
      this.#tell(worker, { kind: 'sent', sockets: delivery.sent });
  }

  /** Whoever waits for one that is passed over goes to one that is not. */
  #relieveStuck(): void {
    const now = monotonicNow();
    const stuck = [...this.#workers].filter(({ delivery }) => delivery.isStuck(now));
    if (stuck.length === this.#workers.size) return;
    for (const worker of stuck) {
      const waiting = worker.delivery.takeBack();
      this.#dealing.takeBack(worker, waiting.length);
      for (const socket of waiting) this.#deal(socket);
    }
  }

  /** Resolves once it is ready. */
  #begin(number: number): Promise<void> {
    const child = this.#options.start(number);
    return new Promise((resolve, reject) => {
      const gone = new Promise<void>((resolveGone) => {
        const end = (reason: string) => {
          if (!this.#workers.delete(worker)) return;
          this.#ended(worker, reason);
          reject(new TcpaliveError('WORKER_FAILED', `worker ${number} is not there: ${reason}`));
          resolveGone();
        };
        child.once('error', ({ message }) => end(`it cannot be started: ${message}`));
        child.once('exit', (code, signal) => end(`it ended (${signal ?? `exit ${code ?? 0}`})`));
      });
      const worker: Worker = {
        number,
        child,
        startedAt: monotonicNow(),
        delivery: new Delivery(child),
        asking: new Set(),
        counts: NO_COUNTS,
        hasEnded: false,
        gone,
      };
      this.#workers.add(worker);
      child.on('message', (message) => {
        const told = message as FromWorker;
        this.#heard(worker, told);
        if (told.kind === 'ready') resolve();
      });
      const { sessions, watchSelf } = this.#options;
      this.#tell(worker, { kind: 'start', options: sessions, watchSelf });
    });
  }

  #heard(worker: Worker, message: FromWorker): void {
    switch (message.kind) {
      case 'ready':
        this.#dealing.join(worker);
        this.#onEvent({ kind: 'worker-started', ...about(worker) });
        for (const socket of this.#unassigned.splice(0)) this.#deal(socket);
        break;
      case 'hand':
        this.#dealing.report(worker, message);
        worker.delivery.taken(message.taken);
        if (this.#waiting() === 0) this.#idle();
        break;
      case 'snapshot':
        for (const asking of worker.asking) asking.resolve(message.snapshot);
        worker.asking.clear();
        break;
      case 'bug':
        for (const asking of worker.asking) asking.reject(new Error(message.stack));
        worker.asking.clear();
        break;
      case 'counts':
        worker.counts = message.counts;
        this.#findLost(worker);
        this.#relieveStuck();
        break;
      case 'ended':
        worker.hasEnded = true;
        worker.counts = message.counts;
        this.#stillOpen += message.stillOpen;
        break;
    }
  }

  #ended(worker: Worker, reason: string): void {
    const lost = this.#dealing.connectionsOf(worker) - worker.delivery.waiting;
    this.#dealing.leave(worker);
    if (worker.hasEnded) {
      this.#past.push(worker.counts);
      return;
    }
    this.#past.push(withLost(worker.counts, lost, LOST));
    this.#onEvent({ kind: 'worker-lost', ...about(worker), reason, connections: lost });
    for (const socket of worker.delivery.takeBack()) this.#deal(socket);
    if (!this.#isEnding) this.#beginAgain(worker);
  }

  #beginAgain({ number, startedAt }: Worker): void {
    const isSteady = msBetween(startedAt, monotonicNow()) >= STEADY_MS;
    const pauseMs = isSteady ? FIRST_PAUSE_MS : (this.#pauses.get(number) ?? FIRST_PAUSE_MS);
    this.#pauses.set(number, Math.min(2 * pauseMs, LONGEST_PAUSE_MS));
    const timer = setTimeout(() => {
      this.#restarts.delete(timer);
      this.#begin(number).catch(() => undefined); // it is told as lost
    }, pauseMs);
    this.#restarts.add(timer);
  }

  #beginNone(): void {
    this.#isEnding = true;
    for (const timer of this.#restarts) clearTimeout(timer);
  }

  #endLater(workers: readonly Worker[], afterMs: number): NodeJS.Timeout {
    return setTimeout(() => {
      for (const { child } of workers) child.kill('SIGKILL');
    }, afterMs);
  }

  #tell({ child }: Worker, message: ToWorker): void {
    if (child.connected) child.send(message, () => undefined);
  }
}

function about({ number, child }: Worker) {
  return { worker: number, pid: child.pid ?? 0 };
}
