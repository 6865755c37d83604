/** One connection of a probe, from connect to verdict. */
import { formatEndpoint } from '../core/endpoint.js';
import { LARGEST_FRAME_BYTES } from '../core/frame.js';
import { formatMode, withoutBeats } from '../core/mode.js';
import type { ProbeDrop, ProbeEvent, ProbeKernelView, ProbeVerdict } from '../core/probe-result.js';
import { probeVerdict } from '../core/probe-verdict.js';
import { roundMs } from '../core/distribution.js';
import type { DropEngine } from '../core/result.js';
import { addMs, msBetween, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import { connect, type ClientOptions } from './client.js';
import type { Connection, Ending } from './connection.js';
import { KernelBeats } from './kernel-beats.js';
import { kernelView } from './kernel-view.js';
import { again, type Opened } from './open-socket.js';
import { OwnDrop } from './own-drop.js';
import { askedOf, type ProbeOptions } from './probe-options.js';

const QUIET_EVERY_MS = 1000;

/** Node's timers end here (2^31 - 1 ms). */
const LONGEST_TIMER_MS = 0x7fff_ffff;

export interface ProbeReport {
  readonly onEvent: (event: ProbeEvent) => void;
  readonly onRtt: (rttMs: number) => void;
  readonly wallClock: (at: Instant) => string;
}

export class ProbeConnection {
  sent = 0;
  answered = 0;
  drop: ProbeDrop | undefined;
  lastView: ProbeKernelView | null = null;
  readonly #kernel: Kernel;
  readonly #options: ProbeOptions;
  readonly #report: ProbeReport;
  readonly #timers: NodeJS.Timeout[] = [];
  /** When each beat that has no answer yet was sent. */
  readonly #unanswered: Instant[] = [];
  readonly #over: Promise<void>;
  #finish: () => void = () => undefined;
  #fail: (error: unknown) => void = () => undefined;
  #connection: Connection | undefined;
  #opened: Omit<Opened, 'socket'> | undefined;
  /** The last received segment, data or not, as the kernel last told. */
  #kernelHeardAt: Instant | undefined;
  #beats: KernelBeats | undefined;
  #ownDrop: OwnDrop | undefined;
  #verdict: ProbeVerdict | undefined;
  #answersWanted = Infinity;

  constructor(kernel: Kernel, options: ProbeOptions, report: ProbeReport) {
    this.#kernel = kernel;
    this.#options = options;
    this.#report = report;
    this.#over = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    this.#over.catch(() => undefined); // `run` tells
  }

  /** @throws TcpaliveError UNREACHABLE, also when it was interrupted */
  async open(): Promise<void> {
    const { connection, settings, ...opened } = await connect(this.#kernel, this.#client(), {
      onBeatSent: (at) => this.#beatSent(at),
      onFrames: (frames, at) => {
        for (const payload of frames.payloads()) {
          if (payload.length === 0) this.#answer(at, 'process');
          else if (this.#options.speech !== undefined) this.#connection?.send(payload);
        }
      },
      onEnd: (ending) => this.#ended(ending),
    });
    this.#connection = connection;
    this.#opened = opened;
    this.#report.onEvent({
      event: 'connected',
      time: this.#report.wallClock(connection.openedAt),
      local: formatEndpoint(connection.local),
      remote: formatEndpoint(connection.remote),
      settings: formatMode(settings),
      addresses: opened.addresses,
      tls: opened.tls,
      ...askedOf(this.#options),
    });
    const { mode, speech } = this.#options;
    if (mode.heartbeat !== undefined && speech === undefined) {
      this.#beats = new KernelBeats(this.#kernel, connection, mode.heartbeat, {
        onBeatSent: (at) => this.#beatSent(at),
        onAnswer: (at) => this.#answer(at, 'kernel'),
        onSilent: (silentMs, at) => {
          this.#ended({ by: 'heartbeat', at, silentMs, detail: undefined });
        },
      });
    }
    if (mode.heartbeat === undefined) {
      const quiet = () =>
        this.#report.onEvent({ event: 'quiet', time: this.#now(), kernel: this.#look() });
      this.#timers.push(setInterval(quiet, QUIET_EVERY_MS));
    }
  }

  /** Cuts this end after that time; what nothing will notice is given up after `unnoticedMs`. */
  dropLater(afterMs: number, engine: DropEngine, unnoticedMs: number): void {
    const cut = () => {
      const connection = this.#connection;
      if (connection?.descriptor === undefined) return;
      const drop = new OwnDrop(this.#kernel, this.#options, connection, engine);
      this.#ownDrop = drop;
      const { predicted } = drop;
      this.#report.onEvent({
        event: 'dropped',
        time: this.#report.wallClock(drop.at),
        engine,
        predicted,
      });
      if (this.#options.mode.heartbeat === undefined) {
        drop.proveByWitness(this.#witness()).catch((error: unknown) => this.#fail(error));
      }
      const waitMs =
        predicted.kind === 'interval'
          ? Math.max(1000, predicted.fromDropMs.max * 1.1)
          : unnoticedMs;
      if (this.#options.durationMs === undefined) this.#finishAfter(waitMs);
    };
    this.#timers.push(
      setTimeout(() => {
        try {
          cut();
        } catch (error) {
          this.#fail(error);
        }
      }, afterMs),
    );
  }

  /** Beats until the connection ends, the time is over, or enough answers have come. */
  async run(durationMs: number, answersWanted: number): Promise<ProbeVerdict> {
    const { interruption } = this.#options;
    this.#answersWanted = answersWanted;
    if (this.answered >= answersWanted || interruption.aborted) this.#finish();
    if (durationMs !== Infinity) this.#finishAfter(durationMs);
    interruption.addEventListener('abort', this.#finish);
    try {
      await this.#over;
    } finally {
      interruption.removeEventListener('abort', this.#finish);
      for (const timer of this.#timers) clearTimeout(timer);
      this.#beats?.stop();
      if (this.#verdict === undefined) this.#look();
      this.#leave();
    }
    return this.#verdict ?? this.#stillThere();
  }

  #client(): ClientOptions {
    const { remote, connectTimeoutMs, family, tls, mode, speech, interruption } = this.#options;
    return {
      ...{ remote, connectTimeoutMs, family, tls, speech, interruption },
      mode: speech === undefined ? withoutBeats(mode) : mode,
      framing: 'length16',
      maxFrameBytes: LARGEST_FRAME_BYTES,
    };
  }

  /** Undefined until it was open. */
  get opened(): Omit<Opened, 'socket'> | undefined {
    return this.#opened;
  }

  /** At the same address: another one may be another server. */
  #witness(): ClientOptions {
    return this.#opened === undefined ? this.#client() : again(this.#client(), this.#opened);
  }

  #finishAfter(ms: number): void {
    this.#timers.push(setTimeout(() => this.#finish(), Math.min(ms, LONGEST_TIMER_MS)));
  }

  /** A cut connection cannot say goodbye: its FIN would be retransmitted in vain. */
  #leave(): void {
    if (this.#verdict === undefined)
      this.drop = this.#ownDrop?.result(undefined, this.#report.wallClock);
    // Nor does who is dead hear it.
    const isDead = this.#verdict?.kind === 'dead';
    if (this.#ownDrop === undefined && !isDead) this.#connection?.close();
    else this.#connection?.reset();
  }

  #beatSent(at: Instant): void {
    if (this.#unanswered.length > 0) {
      const kernel = this.#look();
      this.#report.onEvent({ event: 'unanswered', time: this.#now(), number: this.sent, kernel });
    }
    this.sent++;
    this.#unanswered.push(at);
  }

  /** A kernel's answer is told in ticks, and whatever else it hears stands for one: no round trip. */
  #answer(at: Instant, by: 'process' | 'kernel'): void {
    const sentAt = this.#unanswered.shift();
    if (sentAt === undefined) return; // an empty frame that nobody asked for
    const rttMs = by === 'kernel' ? null : roundMs(msBetween(sentAt, at));
    this.answered++;
    if (rttMs !== null) this.#report.onRtt(rttMs);
    const number = this.sent - this.#unanswered.length;
    const time = this.#report.wallClock(at);
    this.#report.onEvent({ event: 'beat', time, number, rttMs, kernel: this.#look() });
    if (this.answered >= this.#answersWanted) this.#finish();
  }

  /** Called while the descriptor is still there, so the kernel can be asked for its last word. */
  #ended({ by, at, silentMs, detail }: Ending): void {
    if (by === 'local') return;
    this.#look();
    const { wallClock } = this.#report;
    this.drop = this.#ownDrop?.result(at, wallClock);
    const seen = {
      mode: this.#options.mode,
      by,
      openedAt: this.#connection?.openedAt ?? at,
      endedAt: at,
      detail,
      silentMs,
      kernelHeardAt: this.#kernelHeardAt,
      answeredBeats: this.answered,
      firstUnansweredAt: this.#unanswered[0],
      cut: this.#ownDrop !== undefined,
    };
    this.#verdict = probeVerdict(seen, wallClock);
    this.#finish();
  }

  #stillThere(): ProbeVerdict {
    const beating = this.#options.mode.heartbeat !== undefined;
    const openedAt = this.#connection?.openedAt;
    if (!beating || this.answered > 0 || this.sent === 0 || openedAt === undefined) {
      return { kind: 'alive' };
    }
    return {
      kind: 'no-answer',
      by: null,
      afterMs: msBetween(openedAt, monotonicNow()),
      detail: null,
    };
  }

  /** The kernel's view now; what was seen last stays when the descriptor is gone. */
  #look(): ProbeKernelView | null {
    const descriptor = this.#connection?.descriptor;
    const info = descriptor === undefined ? undefined : this.#kernel.tcpInfo(descriptor);
    if (info === undefined) return this.lastView;
    this.#ownDrop?.look();
    this.lastView = kernelView(info);
    this.#kernelHeardAt = addMs(monotonicNow(), -this.lastView.lastReceivedMs);
    return this.lastView;
  }

  #now(): string {
    return this.#report.wallClock(monotonicNow());
  }
}
