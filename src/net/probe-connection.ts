/** One connection of a probe, from connect to verdict. */
import { LARGEST_FRAME_BYTES } from '../core/frame.js';
import { formatEndpoint } from '../core/endpoint.js';
import { formatMode, type Mode } from '../core/mode.js';
import { predict } from '../core/predict.js';
import type {
  ProbeDrop,
  ProbeEvent,
  ProbeKernelView,
  ProbeVerdict,
  SilentParty,
} from '../core/probe-result.js';
import type { DropEngine } from '../core/result.js';
import { addMs, msBetween, type Instant } from '../core/time.js';
import { liesIn } from '../core/verdict.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import { connect } from './client.js';
import type { Connection, Ending } from './connection.js';
import type { ProbeOptions } from './probe.js';

const CONNECT_TIMEOUT_MS = 10_000;
const QUIET_EVERY_MS = 1000;

export class ProbeConnection {
  readonly rttsMs: number[] = [];
  sent = 0;
  drop: ProbeDrop | undefined;
  lastView: ProbeKernelView | null = null;
  readonly #kernel: Kernel;
  readonly #options: ProbeOptions;
  readonly #onEvent: (event: ProbeEvent) => void;
  readonly #wallClock: (at: Instant) => string;
  readonly #timers: NodeJS.Timeout[] = [];
  /** When each beat that has no answer yet was sent. */
  readonly #unanswered: Instant[] = [];
  readonly #over: Promise<void>;
  #finish: () => void = () => undefined;
  #connection: Connection | undefined;
  /** The last received segment, data or not, as the kernel last told. */
  #kernelHeardAt: Instant | undefined;
  #cutAt: Instant | undefined;
  #dropsBefore = 0;
  #swallowed = 0;
  #verdict: ProbeVerdict | undefined;
  #answersLeft = Infinity;

  constructor(
    kernel: Kernel,
    options: ProbeOptions,
    report: {
      readonly onEvent: (event: ProbeEvent) => void;
      readonly wallClock: (at: Instant) => string;
    },
  ) {
    this.#kernel = kernel;
    this.#options = options;
    this.#onEvent = report.onEvent;
    this.#wallClock = report.wallClock;
    this.#over = new Promise((resolve) => {
      this.#finish = resolve;
    });
    void options.interruption.happened.then(() => this.#finish());
  }

  async open(): Promise<void> {
    const { remote, mode, family } = this.#options;
    const { connection, settings } = await connect(
      this.#kernel,
      {
        remote,
        mode,
        family,
        framing: 'length16',
        maxFrameBytes: LARGEST_FRAME_BYTES,
        connectTimeoutMs: CONNECT_TIMEOUT_MS,
      },
      {
        onBeatSent: (at) => this.#beatSent(at),
        onFrame: (payload, at) => {
          if (payload.length === 0) this.#answered(at);
        },
        onEnd: (ending) => this.#ended(ending),
      },
    );
    this.#connection = connection;
    this.#onEvent({
      kind: 'connected',
      at: this.#wallClock(connection.openedAt),
      local: formatEndpoint(connection.local),
      remote: formatEndpoint(connection.remote),
      settings: formatMode(settings),
    });
    if (mode.heartbeat === undefined) {
      const quiet = () => this.#onEvent({ kind: 'quiet', at: this.#now(), kernel: this.#look() });
      this.#timers.push(setInterval(quiet, QUIET_EVERY_MS));
    }
  }

  /** Cuts this end after the option's time; what nothing will notice is given up after `unnoticedMs`. */
  dropLater(engine: DropEngine, unnoticedMs: number): void {
    const cut = () => {
      const descriptor = this.#connection?.descriptor;
      if (descriptor === undefined) return;
      this.#dropsBefore = this.#kernel.drops(descriptor);
      this.#kernel.cut(descriptor, engine);
      this.#cutAt = monotonicNow();
      const at = this.#wallClock(this.#cutAt);
      const predicted = this.#predictDrop(this.#options.mode);
      const swallowed = { swallowedSegments: 0, proven: false };
      this.drop = { engine, at, ...swallowed, predicted, noticedAfterMs: null, agrees: null };
      this.#onEvent({ kind: 'dropped', at, engine, predicted });
      const waitMs =
        predicted.kind === 'never' ? unnoticedMs : Math.max(1000, predicted.fromDropMs.max * 1.1);
      if (this.#options.durationMs === undefined) {
        this.#timers.push(setTimeout(() => this.#finish(), waitMs));
      }
    };
    this.#timers.push(setTimeout(cut, this.#options.dropAfterMs));
  }

  /** Beats until the connection ends, the time is over, or enough answers have come. */
  async run(durationMs: number, answers: number): Promise<ProbeVerdict> {
    this.#answersLeft = answers - this.rttsMs.length;
    if (this.#answersLeft <= 0) this.#finish();
    if (durationMs !== Infinity) this.#timers.push(setTimeout(() => this.#finish(), durationMs));
    await this.#over;
    for (const timer of this.#timers) clearTimeout(timer);
    if (this.#verdict === undefined) {
      this.#look();
      this.#concludeDrop(undefined);
      // A cut connection cannot say goodbye: its FIN would be retransmitted in vain.
      if (this.#cutAt === undefined) this.#connection?.close();
      else this.#connection?.reset();
    }
    return this.#verdict ?? this.#stillThere();
  }

  #beatSent(at: Instant): void {
    if (this.#unanswered.length > 0) {
      const number = this.sent;
      this.#onEvent({ kind: 'unanswered', at: this.#now(), number, kernel: this.#look() });
    }
    this.sent++;
    this.#unanswered.push(at);
  }

  #answered(at: Instant): void {
    const sentAt = this.#unanswered.shift();
    if (sentAt === undefined) return; // an empty frame that nobody asked for
    const rttMs = msBetween(sentAt, at);
    this.rttsMs.push(rttMs);
    const number = this.sent - this.#unanswered.length;
    this.#onEvent({ kind: 'beat', at: this.#wallClock(at), number, rttMs, kernel: this.#look() });
    if (--this.#answersLeft <= 0) this.#finish();
  }

  /** Called while the descriptor is still there, so the kernel can be asked for its last word. */
  #ended(ending: Ending): void {
    if (ending.by === 'local') return;
    this.#look();
    this.#concludeDrop(ending.at);
    this.#verdict = this.#judge(ending);
    this.#finish();
  }

  #judge(ending: Ending): ProbeVerdict {
    const { by, at } = ending;
    const openedAt = this.#connection?.openedAt ?? at;
    const beating = this.#options.mode.heartbeat !== undefined;
    if (beating && this.rttsMs.length === 0 && this.drop === undefined) {
      return { kind: 'no-answer', afterMs: msBetween(openedAt, at) };
    }
    if (by === 'FIN' || by === 'ECONNRESET' || by === 'EPIPE' || by === 'violation') {
      return { kind: 'closed', by, afterMs: msBetween(openedAt, at) };
    }
    const where = this.#silentParty(ending);
    const lastByteAt = addMs(at, -ending.silentMs);
    // Of a process only its bytes are heard, of a kernel its acknowledgements too.
    const lastHeardAt = where === 'kernel' ? later(lastByteAt, this.#kernelHeardAt) : lastByteAt;
    const [firstUnanswered] = this.#unanswered;
    return {
      kind: 'dead',
      by,
      lastHeardAt: this.#wallClock(lastHeardAt),
      firstUnansweredAt: firstUnanswered === undefined ? null : this.#wallClock(firstUnanswered),
      noticedAt: this.#wallClock(at),
      silentMs: msBetween(lastHeardAt, at),
      where,
    };
  }

  /**
   * The kernel acknowledged beats that came after the last byte: then it is alive and its process
   * is not. Half a beat is more than a delayed acknowledgement of the last answer.
   */
  #silentParty({ by, silentMs }: Ending): SilentParty {
    if (by.startsWith('E')) return 'kernel';
    const descriptor = this.#connection?.descriptor;
    const info = descriptor === undefined ? undefined : this.#kernel.tcpInfo(descriptor);
    const { heartbeat } = this.#options.mode;
    if (info === undefined || heartbeat === undefined) return 'unknown';
    const acknowledgedAfterMs = silentMs - info.lastAckReceivedMs;
    return acknowledgedAfterMs > heartbeat.intervalMs / 2 ? 'process' : 'kernel';
  }

  #stillThere(): ProbeVerdict {
    const beating = this.#options.mode.heartbeat !== undefined;
    return beating && this.rttsMs.length === 0 && this.sent > 0
      ? { kind: 'no-answer', afterMs: this.#sinceOpened() }
      : { kind: 'alive' };
  }

  #sinceOpened(): number {
    return this.#connection === undefined
      ? 0
      : msBetween(this.#connection.openedAt, monotonicNow());
  }

  #predictDrop(mode: Mode): ProbeDrop['predicted'] {
    const { sysctl, hz } = this.#options.host;
    return predict({
      mode,
      load: 'idle',
      fault: 'blackhole',
      observer: 'client',
      sysctls: sysctl,
      hz: hz ?? undefined,
    });
  }

  #concludeDrop(noticedAt: Instant | undefined): void {
    if (this.drop === undefined || this.#cutAt === undefined) return;
    const { predicted } = this.drop;
    const noticedAfterMs = noticedAt === undefined ? null : msBetween(this.#cutAt, noticedAt);
    this.drop = {
      ...this.drop,
      swallowedSegments: this.#swallowed,
      proven: this.#swallowed > 0,
      noticedAfterMs,
      agrees: this.#agrees(predicted, noticedAfterMs),
    };
  }

  #agrees(predicted: ProbeDrop['predicted'], noticedAfterMs: number | null): boolean | null {
    if (predicted.kind === 'never') return noticedAfterMs === null;
    if (noticedAfterMs !== null) {
      return liesIn(noticedAfterMs, predicted.fromDropMs, this.#options.mode);
    }
    const watchedMs = this.#cutAt === undefined ? 0 : msBetween(this.#cutAt, monotonicNow());
    return watchedMs > predicted.fromDropMs.max * 1.05 ? false : null;
  }

  /** The kernel's view now; what was seen last stays when the descriptor is gone. */
  #look(): ProbeKernelView | null {
    const descriptor = this.#connection?.descriptor;
    const info = descriptor === undefined ? undefined : this.#kernel.tcpInfo(descriptor);
    if (descriptor === undefined || info === undefined) return this.lastView;
    if (this.#cutAt !== undefined)
      this.#swallowed = this.#kernel.drops(descriptor) - this.#dropsBefore;
    this.lastView = {
      state: info.state,
      rttMs: info.rttMs,
      retransmissions: info.totalRetransmissions,
      unacknowledgedSegments: info.unacked,
      lastReceivedMs: Math.min(info.lastDataReceivedMs, info.lastAckReceivedMs),
    };
    this.#kernelHeardAt = addMs(monotonicNow(), -this.lastView.lastReceivedMs);
    return this.lastView;
  }

  #now(): string {
    return this.#wallClock(monotonicNow());
  }
}

function later(a: Instant, b: Instant | undefined): Instant {
  return b === undefined || a > b ? a : b;
}
