/**
 * One connection that says nothing for a chosen time and is then asked by keepalive probes of the
 * kernel: does whoever is at the other end, and everybody in between, still know it? Owns its socket.
 * Time goes by in `look`.
 */
import type { Socket } from 'node:net';
import { roundMs } from '../core/distribution.js';
import type { IdleOutcome, IdleTrial } from '../core/idle-limit-result.js';
import type { KeepaliveSettings } from '../core/mode.js';
import { msBetween, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import type { TcpInfo } from '../kernel/socket-view.js';
import { descriptorOf } from '../net/descriptor.js';
import { sendKeepaliveProbe } from '../net/keepalive-probe.js';

/** An acknowledgement takes a round trip. */
const ANSWER_MS = 1000;

/** Before it takes a proof that the path works at all, and one more. */
const ASKS_BEFORE_PROOF = 2;

/** For greetings: some servers look up their client's name first. */
const SETTLED_AFTER_MS = 10_000;

export class SilentConnection {
  /** Undefined: not yet decided. */
  trial: IdleTrial | undefined;
  /** Read back; undefined: its kernel is silent too. */
  readonly settings: KeepaliveSettings | undefined;
  answeredProbes = 0;
  readonly #kernel: Kernel;
  readonly #socket: Socket;
  readonly #openedAt = monotonicNow();
  #silenceMs = Infinity;
  /** Since when it is silent. */
  #silentSince: Instant = this.#openedAt;
  #heard: Pick<TcpInfo, 'segmentsIn' | 'dataSegmentsIn'> = { segmentsIn: 0, dataSegmentsIn: 0 };
  /** When something was heard, until the next look. */
  #spokenAt: Instant | undefined;
  #asks = 0;
  #firstAskedAt: Instant | undefined;
  #askedAt: Instant = this.#openedAt;

  /** Takes over a socket in the turn that opened it. @throws KernelRefusal */
  constructor(kernel: Kernel, socket: Socket, keepalive?: KeepaliveSettings | 'system') {
    this.#kernel = kernel;
    this.#socket = socket;
    socket.resume(); // otherwise its end would wait behind what came before it
    for (const goodbye of ['end', 'close']) socket.once(goodbye, () => this.#ended('FIN'));
    socket.on('error', ({ code }: NodeJS.ErrnoException) => this.#ended(code ?? 'EIO'));
    const fd = this.#descriptor;
    if (fd === undefined) {
      this.#ended('FIN'); // before anybody could listen
      return;
    }
    this.#heard = kernel.tcpInfo(fd) ?? this.#heard;
    if (keepalive !== undefined) this.settings = kernel.setKeepalive(fd, keepalive);
  }

  /** How long it is to be silent; until that is said, nobody asks. */
  askAfter(silenceMs: number): void {
    this.#silenceMs = silenceMs;
  }

  get askedAfterMs(): number {
    return this.#silenceMs;
  }

  /** Until it is asked. */
  leftMs(now: Instant): number {
    return Math.max(0, this.#silenceMs - this.#silentMs(now));
  }

  /** It was asked in vain: only a proof that the server can still be reached makes it lost. */
  get isSuspect(): boolean {
    return (
      this.trial === undefined &&
      this.#asks === ASKS_BEFORE_PROOF &&
      msBetween(this.#askedAt, monotonicNow()) >= ANSWER_MS
    );
  }

  /** To be called several times a second, and after each proof for all that were suspect. */
  look(now: Instant, isProven = false): void {
    const fd = this.#descriptor;
    const info = fd === undefined ? undefined : this.#kernel.tcpInfo(fd);
    if (this.trial !== undefined || fd === undefined || info === undefined) return;
    if (info.state !== 'ESTABLISHED') return; // its end is on its way
    const heard = info.segmentsIn - this.#heard.segmentsIn;
    const data = info.dataSegmentsIn - this.#heard.dataSegmentsIn;
    this.#heard = info;
    if (this.#asks === 0) {
      if (this.settings !== undefined) this.#countAnswers(this.settings, heard - data, now);
      else if (this.#isSpokenTo(heard, now)) return;
      if (this.#silentMs(now) >= this.#silenceMs) this.#ask(fd, now);
    } else if (heard > 0) this.#decide({ kind: 'lived' });
    else if (msBetween(this.#askedAt, now) >= ANSWER_MS) {
      if (this.#asks < ASKS_BEFORE_PROOF || (isProven && this.#asks === ASKS_BEFORE_PROOF)) {
        this.#ask(fd, now);
      } else if (this.#asks > ASKS_BEFORE_PROOF) this.#decide({ kind: 'lost', how: 'silent' });
    }
  }

  /** Where a goodbye would not arrive, nobody is to wait for its answer. Idempotent. */
  close(isForgotten = this.trial?.outcome.kind === 'lost'): void {
    if (isForgotten) this.#socket.resetAndDestroy();
    else this.#socket.destroy();
  }

  get #descriptor(): number | undefined {
    return this.#socket.destroyed ? undefined : descriptorOf(this.#socket);
  }

  #silentMs(now: Instant): number {
    return msBetween(this.#silentSince, this.#firstAskedAt ?? now);
  }

  /** Before the first probe can have left, what comes belongs to the opening. */
  #countAnswers({ idleSeconds }: KeepaliveSettings, segments: number, now: Instant): void {
    if (msBetween(this.#openedAt, now) >= idleSeconds * 1000) this.answeredProbes += segments;
  }

  /** What comes right before a goodbye belongs to it: only the next look takes it for a word. */
  #isSpokenTo(segments: number, now: Instant): boolean {
    const spokenAt = this.#spokenAt;
    this.#spokenAt = segments > 0 ? now : undefined;
    if (spokenAt === undefined) return segments > 0;
    if (msBetween(this.#openedAt, spokenAt) > SETTLED_AFTER_MS) {
      this.#decide({ kind: 'spoken' }, spokenAt);
      return true;
    }
    this.#silentSince = spokenAt;
    return segments > 0;
  }

  #ask(fd: number, now: Instant): void {
    if (!sendKeepaliveProbe(this.#kernel, fd)) return; // its end is on its way
    this.#asks++;
    this.#firstAskedAt ??= now;
    this.#askedAt = now;
  }

  #ended(by: string): void {
    const isAnswer = this.#asks > 0 && by === 'ECONNRESET';
    this.#decide(isAnswer ? { kind: 'lost', how: 'reset' } : { kind: 'closed', by });
  }

  #decide(outcome: IdleOutcome, now = monotonicNow()): void {
    this.trial ??= { silenceMs: roundMs(this.#silentMs(now)), outcome };
  }
}
