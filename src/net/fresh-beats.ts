/**
 * Beats of a protocol that can be asked once a connection: each connects, asks, and closes. What `probe`
 * wants of one connection, of a row of them.
 */
import { AskedBeats } from '../core/asked-beats.js';
import { formatEndpoint } from '../core/endpoint.js';
import { formatMode, type HeartbeatSettings, type Mode } from '../core/mode.js';
import type { OpeningStep } from '../core/protocol.js';
import type { ProbeKernelView, ProbeVerdict } from '../core/probe-result.js';
import { isGoodbye, probeVerdict } from '../core/probe-verdict.js';
import { roundMs } from '../core/distribution.js';
import type { Speech } from '../core/speech.js';
import { addMs, earliest, instantAt, msBetween, nextSlot, type Instant } from '../core/time.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import { applyKernelMode } from './connection.js';
import { descriptorOf } from './descriptor.js';
import { exchange, type Exchanged } from './exchange.js';
import { kernelView } from './kernel-view.js';
import { again, openSocket, type Opened, type OpenOptions } from './open-socket.js';
import { OutOfTime } from './patience.js';
import type { ProbeReport } from './probe-connection.js';
import { askedOf, type ProbeOptions } from './probe-options.js';

type Beat = (
  Exchanged | { readonly kind: 'unopened'; readonly reason: string; readonly isViolation: boolean }
) & { readonly acknowledged?: boolean };

export class FreshBeats {
  sent = 0;
  answered = 0;
  readonly drop = undefined;
  lastView: ProbeKernelView | null = null;
  readonly #kernel: Kernel;
  readonly #options: ProbeOptions;
  readonly #report: ProbeReport;
  readonly #heartbeat: HeartbeatSettings;
  readonly #speech: Speech;
  readonly #steps: readonly OpeningStep[];
  #opened: Opened | undefined;
  #openedAt = monotonicNow();
  #beats: AskedBeats;
  /** Since the last answer a beat has failed, or is late: why, if that is known. */
  #missed: { readonly reason: string | null } | undefined;

  constructor(
    kernel: Kernel,
    options: ProbeOptions,
    report: ProbeReport,
    { heartbeat, speech }: { readonly heartbeat: HeartbeatSettings; readonly speech: Speech },
  ) {
    this.#kernel = kernel;
    this.#options = options;
    this.#report = report;
    this.#heartbeat = heartbeat;
    this.#beats = new AskedBeats(heartbeat, this.#openedAt);
    this.#speech = speech;
    const { units, beat } = speech.protocol;
    const ask = { when: [], unless: [], send: beat.send, units, expect: beat.expect, refused: [] };
    this.#steps = [...speech.opening, ask];
  }

  /** Undefined until `open` has resolved. */
  get opened(): Omit<Opened, 'socket'> | undefined {
    return this.#opened;
  }

  /** @throws TcpaliveError UNREACHABLE, also when it was interrupted */
  async open(): Promise<void> {
    const { settings, ...opened } = await this.#connect(this.#options.connectTimeoutMs);
    this.#opened = opened;
    this.#openedAt = monotonicNow();
    this.#beats = new AskedBeats(this.#heartbeat, this.#openedAt);
    const { socket } = opened;
    this.#report.onEvent({
      event: 'connected',
      time: this.#report.wallClock(this.#openedAt),
      local: formatEndpoint({ address: socket.localAddress ?? '', port: socket.localPort ?? 0 }),
      remote: formatEndpoint(opened.remote),
      settings: formatMode(settings),
      addresses: opened.addresses,
      tls: opened.tls,
      ...askedOf(this.#options),
    });
  }

  /** Beats until nothing is answered in time, the time is over, or enough answers have come. */
  async run(durationMs: number, answersWanted: number): Promise<ProbeVerdict> {
    const { interruption } = this.#options;
    const end = addMs(monotonicNow(), durationMs);
    let first = this.#opened?.socket;
    let due = monotonicNow();
    while (this.answered < answersWanted) {
      const wakeAt = earliest(due < end ? due : end, this.#beats.nextDeadline()) ?? due;
      const leftMs = msBetween(monotonicNow(), wakeAt);
      if (leftMs > 0) await pause(leftMs, interruption);
      const now = monotonicNow();
      if (interruption.aborted || now >= end) break;
      if (this.#isSilent(now)) return this.#verdict('heartbeat', now);
      if (now < due) continue; // a timer may be early
      const verdict = await this.#beat(first, end);
      first = undefined;
      if (verdict !== undefined) return verdict;
      due = nextSlot(due, this.#heartbeat.intervalMs, monotonicNow());
    }
    first?.destroy();
    const answered = this.answered > 0;
    if (this.sent === 0 || (answered && this.#missed === undefined)) return { kind: 'alive' };
    const afterMs = msBetween(this.#beats.heardAt, monotonicNow());
    const detail = this.#missed?.reason ?? null;
    return answered
      ? { kind: 'unanswered', afterMs, detail }
      : { kind: 'no-answer', by: null, afterMs, detail };
  }

  #isSilent(now: Instant): boolean {
    return this.#beats.step('tick', now).some(({ kind }) => kind === 'give-up');
  }

  /** Undefined: go on. */
  async #beat(
    first: Opened['socket'] | undefined,
    end: Instant,
  ): Promise<ProbeVerdict | undefined> {
    const { wallClock, onEvent } = this.#report;
    const sentAt = monotonicNow();
    this.#beats.step('asked', sentAt);
    const until = earliest(end, this.#beats.nextDeadline()) ?? end;
    const number = ++this.sent;
    const late = setTimeout(() => {
      this.#missed ??= { reason: null };
      onEvent({ event: 'unanswered', time: wallClock(monotonicNow()), number, kernel: null });
    }, this.#heartbeat.intervalMs);
    const beat = await this.#exchange(first, Math.max(1, msBetween(sentAt, until))).finally(() =>
      clearTimeout(late),
    );
    const at = monotonicNow();
    switch (beat.kind) {
      case 'interrupted':
        return undefined;
      case 'done': {
        const rttMs = roundMs(msBetween(sentAt, at));
        this.answered++;
        this.#missed = undefined;
        this.#beats.step('heard', at);
        this.#report.onRtt(rttMs);
        onEvent({ event: 'beat', time: wallClock(at), number, rttMs, kernel: this.lastView });
        return undefined;
      }
      case 'silent': {
        // Its time is over, though a timer may be early.
        const over = instantAt(Math.max(at, until));
        return this.#isSilent(over) ? this.#verdict('heartbeat', over, beat) : undefined;
      }
      case 'unopened':
        this.#missed = beat;
        onEvent({ event: 'failed', time: wallClock(at), number, reason: beat.reason });
        return beat.isViolation ? this.#verdict('violation', at, beat) : undefined;
      case 'strange':
      case 'refused':
        return this.#verdict('violation', at, beat);
      case 'closed':
        return this.#verdict(beat.by, at, beat);
    }
  }

  async #exchange(first: Opened['socket'] | undefined, deadlineMs: number): Promise<Beat> {
    const { interruption } = this.#options;
    const started = monotonicNow();
    let socket = first;
    try {
      socket ??= (await this.#connect(deadlineMs)).socket;
    } catch (error) {
      if (interruption.aborted) return { kind: 'interrupted' };
      if (error instanceof TcpaliveError) return unopened(error);
      throw error;
    }
    const leftMs = Math.max(1, deadlineMs - msBetween(started, monotonicNow()));
    const exchanged = await exchange(socket, this.#speech, this.#steps, {
      deadlineMs: leftMs,
      interruption,
    });
    const acknowledged = this.#look(descriptorOf(socket));
    socket.destroy();
    return { ...exchanged, acknowledged };
  }

  async #connect(connectTimeoutMs: number): Promise<Opened & { readonly settings: Mode }> {
    const { remote, family, tls, interruption, mode } = this.#options;
    const options: OpenOptions = { remote, family, tls, interruption, connectTimeoutMs };
    const opened = await openSocket(
      this.#kernel,
      this.#opened === undefined ? options : again(options, this.#opened),
    );
    // A reset may come before anybody asks: then the exchange finds it closed.
    opened.socket.on('error', () => undefined);
    try {
      const settings = applyKernelMode(this.#kernel, descriptorOf(opened.socket), mode);
      return { ...opened, settings };
    } catch (error) {
      opened.socket.destroy();
      throw error;
    }
  }

  /** Whether the kernel there has acknowledged all that was said. */
  #look(descriptor: number | undefined): boolean {
    const info = descriptor === undefined ? undefined : this.#kernel.tcpInfo(descriptor);
    if (info === undefined) return false;
    this.lastView = kernelView(info);
    return info.unacked === 0;
  }

  #detailOf(beat: Beat | undefined): string | undefined {
    if (beat?.kind === 'refused') return `refused to speak ${this.#speech.protocol.name}`;
    if (beat?.kind === 'unopened') return beat.reason;
    return beat?.kind === 'strange' ? beat.detail : undefined;
  }

  /** Undefined: what stood in the way may have been nearer than the kernel there. */
  #kernelHeardAt(beat: Beat | undefined, at: Instant): Instant | undefined {
    if (beat?.acknowledged === true) return at;
    return typeof this.#missed?.reason === 'string' ? undefined : this.#beats.heardAt;
  }

  /** @param beat the one that showed it; undefined: none was under way */
  #verdict(by: string, at: Instant, beat?: Beat): ProbeVerdict {
    const { heardAt, firstUnansweredAt } = this.#beats;
    const seen = {
      mode: this.#options.mode,
      // Who refuses a connection is there, and its server is not.
      by: by === 'ECONNREFUSED' ? 'ECONNRESET' : by,
      openedAt: this.#openedAt,
      endedAt: at,
      detail: this.#detailOf(beat),
      silentMs: msBetween(heardAt, at),
      kernelHeardAt: this.#kernelHeardAt(beat, at),
      answeredBeats: this.answered,
      firstUnansweredAt,
      cut: false,
    };
    const verdict = probeVerdict(seen, this.#report.wallClock);
    return verdict.kind === 'closed' ? { ...verdict, by } : verdict;
  }
}

/** Without a connection: the server's own goodbye, the time that is over, or a reason. */
function unopened({ code, message, cause }: TcpaliveError): Beat {
  if (cause instanceof OutOfTime) return { kind: 'silent' };
  const { code: by = '', syscall } = (cause ?? {}) as NodeJS.ErrnoException;
  if (by === 'ECONNREFUSED' || isGoodbye(by)) return { kind: 'closed', by };
  // What a path does may pass until the time is over; a certificate that nobody trusts does not.
  const isViolation = code === 'TLS_FAILED' && syscall === undefined;
  return { kind: 'unopened', reason: message, isViolation };
}
