/**
 * Beats of a protocol that can be asked once a connection: each connects, asks, and closes. What `probe`
 * wants of one connection, of a row of them.
 */
import { formatEndpoint } from '../core/endpoint.js';
import { formatMode, type HeartbeatSettings, type Mode } from '../core/mode.js';
import type { OpeningStep } from '../core/protocol.js';
import type { ProbeKernelView, ProbeVerdict } from '../core/probe-result.js';
import { probeVerdict } from '../core/probe-verdict.js';
import { roundMs } from '../core/distribution.js';
import type { Speech } from '../core/speech.js';
import { addMs, instantAt, msBetween, type Instant } from '../core/time.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import { applyKernelMode } from './connection.js';
import { descriptorOf } from './descriptor.js';
import { exchange, type Exchanged } from './exchange.js';
import { kernelView } from './kernel-view.js';
import { again, openSocket, type Opened, type OpenOptions } from './open-socket.js';
import type { ProbeReport } from './probe-connection.js';
import { askedOf, type ProbeOptions } from './probe-options.js';

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
  /** The last answer, or the first connection. */
  #heardAt = this.#openedAt;

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
    this.#openedAt = this.#heardAt = monotonicNow();
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

  /** Beats until one is not answered in time, the time is over, or enough answers have come. */
  async run(durationMs: number, answersWanted: number): Promise<ProbeVerdict> {
    const { interruption } = this.#options;
    const end = addMs(monotonicNow(), durationMs);
    let first = this.#opened?.socket;
    for (let due = monotonicNow(); ; due = this.#nextAfter(due)) {
      await pause(Math.max(0, Math.min(due, end) - monotonicNow()), interruption);
      const isOver = interruption.aborted || due >= end || monotonicNow() >= end;
      if (isOver || this.answered >= answersWanted) break;
      const verdict = await this.#beat(first, end);
      first = undefined;
      if (verdict !== undefined) return verdict;
      if (this.answered >= answersWanted) break;
    }
    first?.destroy();
    if (this.answered > 0 || this.sent === 0) return { kind: 'alive' };
    const afterMs = msBetween(this.#openedAt, monotonicNow());
    return { kind: 'no-answer', by: null, afterMs, detail: null };
  }

  #nextAfter(due: Instant): Instant {
    const { intervalMs } = this.#heartbeat;
    const missed = Math.max(0, Math.floor(msBetween(due, monotonicNow()) / intervalMs));
    return addMs(due, (missed + 1) * intervalMs);
  }

  /** Undefined: go on. */
  async #beat(
    first: Opened['socket'] | undefined,
    end: Instant,
  ): Promise<ProbeVerdict | undefined> {
    const { intervalMs, timeoutMs } = this.#heartbeat;
    const { wallClock, onEvent } = this.#report;
    const sentAt = monotonicNow();
    const silentAt = instantAt(
      Math.max(
        addMs(this.#heardAt, timeoutMs),
        // Only who was asked in time can have been silent.
        addMs(sentAt, Math.max(timeoutMs - intervalMs, timeoutMs / 2)),
      ),
    );
    const deadlineMs = Math.max(1, Math.min(silentAt, end) - sentAt);
    const number = ++this.sent;
    const late = setTimeout(() => {
      onEvent({ event: 'unanswered', time: wallClock(monotonicNow()), number, kernel: null });
    }, intervalMs);
    const exchanged = await this.#exchange(first, deadlineMs).finally(() => clearTimeout(late));
    const at = monotonicNow();
    switch (exchanged.kind) {
      case 'interrupted':
        return undefined;
      case 'done': {
        const rttMs = roundMs(msBetween(sentAt, at));
        this.answered++;
        this.#heardAt = at;
        this.#report.onRtt(rttMs);
        onEvent({ event: 'beat', time: wallClock(at), number, rttMs, kernel: this.lastView });
        return undefined;
      }
      case 'silent':
        return at < silentAt ? undefined : this.#verdict('heartbeat', sentAt, at, exchanged);
      case 'strange':
      case 'refused':
        return this.#verdict('violation', sentAt, at, exchanged);
      case 'closed':
        return this.#verdict(exchanged.by, sentAt, at, exchanged);
    }
  }

  async #exchange(
    first: Opened['socket'] | undefined,
    deadlineMs: number,
  ): Promise<Exchanged & { readonly acknowledged?: boolean }> {
    const { interruption } = this.#options;
    const started = monotonicNow();
    let socket = first;
    try {
      socket ??= (await this.#connect(deadlineMs)).socket;
    } catch (error) {
      if (interruption.aborted) return { kind: 'interrupted' };
      if (!(error instanceof TcpaliveError)) throw error;
      const { code } = (error.cause ?? {}) as NodeJS.ErrnoException;
      return code?.startsWith('E') === true ? { kind: 'closed', by: code } : { kind: 'silent' };
    }
    const leftMs = Math.max(1, deadlineMs - msBetween(started, monotonicNow()));
    const exchanged = await exchange(socket, this.#speech, this.#steps, {
      deadlineMs: leftMs,
      interruption,
    });
    const acknowledged = this.#look(descriptorOf(socket));
    socket.on('error', () => undefined).destroy();
    return { ...exchanged, acknowledged };
  }

  async #connect(connectTimeoutMs: number): Promise<Opened & { readonly settings: Mode }> {
    const { remote, family, tls, interruption, mode } = this.#options;
    const options: OpenOptions = { remote, family, tls, interruption, connectTimeoutMs };
    const opened = await openSocket(
      this.#kernel,
      this.#opened === undefined ? options : again(options, this.#opened),
    );
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

  #detailOf(exchanged: Exchanged): string | undefined {
    if (exchanged.kind === 'refused') return `refused to speak ${this.#speech.protocol.name}`;
    return exchanged.kind === 'strange' ? exchanged.detail : undefined;
  }

  #verdict(
    by: string,
    sentAt: Instant,
    at: Instant,
    exchanged: Exchanged & { readonly acknowledged?: boolean },
  ): ProbeVerdict {
    const seen = {
      mode: this.#options.mode,
      // Who refuses a connection is there, and its server is not.
      by: by === 'ECONNREFUSED' ? 'ECONNRESET' : by,
      openedAt: this.#openedAt,
      endedAt: at,
      detail: this.#detailOf(exchanged),
      silentMs: msBetween(this.#heardAt, at),
      kernelHeardAt: exchanged.acknowledged === true ? at : this.#heardAt,
      answeredBeats: this.answered,
      firstUnansweredAt: sentAt,
      cut: false,
    };
    const verdict = probeVerdict(seen, this.#report.wallClock);
    return verdict.kind === 'closed' ? { ...verdict, by } : verdict;
  }
}
