/**
 * Beats that send no byte: one keepalive probe each, which the kernel at the other end acknowledges,
 * and no program hears. Whether it did is read from tcp_info, not heard: the clock is read together with
 * the kernel's own count, so that a stall of ours blames nobody.
 */
import type { HeartbeatSettings } from '../core/mode.js';
import { addMs, instantAt, msBetween, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Connection } from './connection.js';
import { sendKeepaliveProbe, SILENT_BEFORE_PROBE_MS } from './keepalive-probe.js';

export interface KernelBeatHandlers {
  onBeatSent(at: Instant): void;
  onAnswer(at: Instant): void;
  /** Once, and no beat after it. */
  onSilent(silentMs: number, at: Instant): void;
}

/** The answer's time is the kernel's own, whenever it is read. */
const LOOK_EVERY_MS = 20;

/** The kernel counts silence in ticks of at most 10 ms. */
const TICK_MS = 10;

export class KernelBeats {
  readonly #kernel: Kernel;
  readonly #connection: Connection;
  readonly #settings: HeartbeatSettings;
  readonly #handlers: KernelBeatHandlers;
  #timer: NodeJS.Timeout | undefined;
  #segmentsIn = 0;
  #heardAt: Instant;
  #dueAt: Instant;
  /** The first of those that nothing was heard after. */
  #firstUnansweredAt: Instant | undefined;

  constructor(
    kernel: Kernel,
    connection: Connection,
    settings: HeartbeatSettings,
    handlers: KernelBeatHandlers,
  ) {
    this.#kernel = kernel;
    this.#connection = connection;
    this.#settings = settings;
    this.#handlers = handlers;
    this.#heardAt = connection.openedAt;
    this.#dueAt = addMs(this.#heardAt, SILENT_BEFORE_PROBE_MS + TICK_MS);
    this.#look();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #look(): void {
    const { descriptor } = this.#connection;
    const info = descriptor === undefined ? undefined : this.#kernel.tcpInfo(descriptor);
    if (descriptor === undefined || info === undefined) return; // the driver tells how it ended
    const now = monotonicNow();
    if (info.segmentsIn !== this.#segmentsIn) {
      this.#segmentsIn = info.segmentsIn;
      const agoMs = Math.min(info.lastAckReceivedMs, info.lastDataReceivedMs);
      this.#heardAt = instantAt(Math.max(this.#heardAt, now - agoMs));
      this.#answered(now);
    }
    if (this.#isSilent(now)) {
      this.#handlers.onSilent(msBetween(this.#heardAt, now), now);
      return;
    }
    if (now >= this.#dueAt) this.#ask(descriptor, now);
    this.#timer = setTimeout(() => this.#look(), this.#pauseMs(now));
  }

  #ask(descriptor: number, now: Instant): void {
    if (!sendKeepaliveProbe(this.#kernel, descriptor)) return; // the driver tells how it ended
    this.#firstUnansweredAt ??= now;
    this.#dueAt = addMs(now, this.#settings.intervalMs);
    this.#handlers.onBeatSent(now);
  }

  #answered(now: Instant): void {
    const askedAt = this.#firstUnansweredAt;
    if (askedAt === undefined) return; // it spoke unasked
    this.#firstUnansweredAt = undefined;
    const at = instantAt(Math.min(now, Math.max(askedAt, this.#heardAt)));
    // Sooner, the kernel would wait with the probe until then.
    this.#dueAt = instantAt(Math.max(this.#dueAt, at + SILENT_BEFORE_PROBE_MS + TICK_MS));
    this.#handlers.onAnswer(at);
  }

  /** Only who was asked in time can have been silent. */
  #isSilent(now: Instant): boolean {
    const { intervalMs, timeoutMs } = this.#settings;
    if (this.#firstUnansweredAt === undefined || now < addMs(this.#heardAt, timeoutMs))
      return false;
    return (
      msBetween(this.#firstUnansweredAt, now) >= Math.max(timeoutMs - intervalMs, timeoutMs / 2)
    );
  }

  #pauseMs(now: Instant): number {
    if (this.#firstUnansweredAt !== undefined) return LOOK_EVERY_MS;
    return Math.max(1, Math.ceil(msBetween(now, this.#dueAt)));
  }
}
