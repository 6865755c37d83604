/**
 * Beats that send no byte: one keepalive probe each, which the kernel at the other end acknowledges,
 * and no program hears. Whether it did is read from tcp_info, not heard: the clock is read together with
 * the kernel's own count, so that a stall of ours blames nobody.
 */
import { AskedBeats } from '../core/asked-beats.js';
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
  readonly #intervalMs: number;
  readonly #handlers: KernelBeatHandlers;
  readonly #beats: AskedBeats;
  #timer: NodeJS.Timeout | undefined;
  #segmentsIn = 0;
  #dueAt: Instant;

  constructor(
    kernel: Kernel,
    connection: Connection,
    settings: HeartbeatSettings,
    handlers: KernelBeatHandlers,
  ) {
    this.#kernel = kernel;
    this.#connection = connection;
    this.#intervalMs = settings.intervalMs;
    this.#handlers = handlers;
    this.#beats = new AskedBeats(settings, connection.openedAt);
    this.#dueAt = addMs(connection.openedAt, SILENT_BEFORE_PROBE_MS + TICK_MS);
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
      this.#heard(addMs(now, -agoMs), now);
    }
    const [verdict] = this.#beats.step('tick', now);
    if (verdict?.kind === 'give-up') {
      this.#handlers.onSilent(verdict.silentMs, now);
      return;
    }
    if (now >= this.#dueAt) this.#ask(descriptor, now);
    this.#timer = setTimeout(() => this.#look(), this.#pauseMs(now));
  }

  #ask(descriptor: number, now: Instant): void {
    if (!sendKeepaliveProbe(this.#kernel, descriptor)) return; // the driver tells how it ended
    this.#beats.step('asked', now);
    this.#dueAt = addMs(now, this.#intervalMs);
    this.#handlers.onBeatSent(now);
  }

  #heard(heardAt: Instant, now: Instant): void {
    const askedAt = this.#beats.firstUnansweredAt;
    this.#beats.step('heard', heardAt);
    if (askedAt === undefined) return; // it spoke unasked
    const at = instantAt(Math.min(now, Math.max(askedAt, this.#beats.heardAt)));
    // Sooner, the kernel would wait with the probe until then.
    this.#dueAt = instantAt(Math.max(this.#dueAt, at + SILENT_BEFORE_PROBE_MS + TICK_MS));
    this.#handlers.onAnswer(at);
  }

  #pauseMs(now: Instant): number {
    if (this.#beats.firstUnansweredAt !== undefined) return LOOK_EVERY_MS;
    return Math.max(1, Math.ceil(msBetween(now, this.#dueAt)));
  }
}
