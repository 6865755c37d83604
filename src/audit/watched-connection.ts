/**
 * A connection to the audited server, seen through its counters: it says nothing itself, and every
 * segment that arrives, or is swallowed, becomes an event. Judges nothing.
 *
 * Whoever owns it calls `look` every few milliseconds; two segments between two looks are two events
 * of one moment.
 */
import type { Socket } from 'node:net';
import { isLoopback } from '../core/address.js';
import { roundMs } from '../core/distribution.js';
import { msBetween, type Instant } from '../core/time.js';
import type {
  VanishEngine,
  VanishEvent,
  VanishEventKind,
  WatchedName,
} from '../core/vanish-log.js';
import { monotonicNow } from '../kernel/clock.js';
import { isGranted, type Kernel } from '../kernel/kernel.js';
import type { TcpInfo } from '../kernel/socket-view.js';
import { descriptorOf } from '../net/descriptor.js';
import type { Opened } from '../net/open-socket.js';
import { sendKeepaliveProbe, stopKeepalive } from '../net/keepalive-probe.js';
import { arrivals, isDeaf, type Counters } from './arrivals.js';
import { Questions, type Answer } from './questions.js';

/** Within this time, and four round trips, whoever answers at all has answered. */
const ANSWER_MS = 500;

/** Of the kernel's clock, where a tick is longest (HZ=100). */
const TICK_MS = 10;

/** The most that TCP_USER_TIMEOUT takes: 24 days. */
const NEVER_MS = 2 ** 31 - 1;

/** A rhythm is known long before. */
const MOST_DATA_EVENTS = 1000;

type End = 'fin' | 'reset' | 'gone' | 'held';

export class WatchedConnection {
  readonly name: WatchedName;
  readonly opened: Opened;
  readonly #kernel: Kernel;
  readonly #socket: Socket;
  readonly #onEvent: (event: VanishEvent) => void;
  readonly #events: VanishEvent[] = [];
  #counters: Counters | undefined;
  #lookedAt: Instant;
  /** When a segment last came or went. */
  #movedAt: Instant;
  #lastWordAt: Instant;
  /** It left that much earlier at most. */
  #lastWordWithinMs = 0;
  #speaks = true;
  #wasSpokenTo = false;
  /** Segments that had left before the request did; undefined: there is none, or it is acknowledged. */
  #sentBeforeRequest: number | undefined;
  #engine: VanishEngine | undefined;
  readonly #questions = new Questions();
  #dataEvents = 0;
  /** One has come, and which one is not yet known. */
  #goodbye: { readonly at: Instant; readonly withinMs: number } | undefined;
  #liftedAtMs: number | null = null;
  #ended: End | undefined;

  /** @param opened from now on nobody else may touch its socket */
  constructor(
    kernel: Kernel,
    opened: Opened,
    name: WatchedName,
    onEvent: (event: VanishEvent) => void,
  ) {
    this.#kernel = kernel;
    const { socket } = opened;
    this.opened = opened;
    this.#socket = socket;
    this.name = name;
    this.#onEvent = onEvent;
    this.#lookedAt = monotonicNow();
    this.#movedAt = this.#lookedAt;
    this.#lastWordAt = this.#lookedAt;
    socket.on('data', () => undefined); // counted by the kernel; unread, it would close the window
    // libuv says so too of an RST right behind data: the kernel knows better.
    socket.on('end', () => {
      this.look();
      this.#end('fin');
    });
    socket.on('error', () => this.#end('reset'));
    this.look();
    // Whoever is told of the connection late was heard before: its handshake, or what it was last told.
    const heardAgoMs = this.#info()?.lastAckReceivedMs ?? 0;
    this.#lastWordWithinMs = heardAgoMs + TICK_MS;
    socket.resume();
  }

  /** Since it fell silent. */
  get events(): readonly VanishEvent[] {
    return this.#events;
  }

  /** It sent data so often that not all of it is among the events. */
  get isTalkative(): boolean {
    return this.#dataEvents > MOST_DATA_EVENTS;
  }

  /** Since the last segment of ours that the server heard, up to the last look: what came later is not known. */
  get silentMs(): number {
    return Math.max(0, msBetween(this.#lastWordAt, this.#lookedAt));
  }

  /** The last word left that much earlier at most than `silentMs` says. */
  get lastWordWithinMs(): number {
    return this.#lastWordWithinMs;
  }

  /** Since a segment came or went, up to the last look. */
  get stillMs(): number {
    return msBetween(this.#movedAt, this.#lookedAt);
  }

  /** The server has said something on it, and no silence has begun. */
  get wasSpokenTo(): boolean {
    return this.#wasSpokenTo;
  }

  /** Never routed: no hop limit is used up on the way. */
  get isOnLoopback(): boolean {
    return isLoopback(this.opened.remote.address);
  }

  /** How it ended, or what was concluded of it; undefined while it is watched. */
  get ended(): End | undefined {
    return this.#ended;
  }

  /** What has become of `ask`. */
  get answer(): Answer {
    return this.#questions.answer;
  }

  /** When `lift` was called, since the last word; null: it was not. */
  get liftedAtMs(): number | null {
    return this.#liftedAtMs;
  }

  /** As it was last known. */
  get rttMs(): number {
    return this.#counters?.rttMs ?? 0;
  }

  /** Whoever answers at all has answered within this time. */
  get patienceMs(): number {
    return ANSWER_MS + 4 * this.rttMs;
  }

  /** From now on what our kernel sends does not move the last word, and what comes is an event. */
  beginSilence(): void {
    this.look();
    this.#speaks = false;
  }

  /** @throws KernelRefusal */
  cut(engine: VanishEngine): void {
    const descriptor = this.#descriptor();
    if (descriptor === undefined) return;
    this.#kernel.cut(descriptor, engine);
    this.#engine = engine;
  }

  heal(): void {
    const descriptor = this.#descriptor();
    const engine = this.#engine;
    this.#engine = undefined;
    if (descriptor === undefined || engine === undefined) return;
    // What has just ended takes no options any more, and its end is seen at the next look.
    isGranted(() => this.#kernel.heal(descriptor, engine));
  }

  /** What answers a last word is not acknowledged before it is prevented. @throws KernelRefusal */
  delayAcknowledgements(): void {
    const descriptor = this.#descriptor();
    if (descriptor !== undefined) this.#kernel.delayAcknowledgements(descriptor);
  }

  /** Until when our own kernel repeats what nobody has acknowledged: then at the latest the server is asked. */
  get repeatsWithinMs(): number {
    const info = this.#info();
    return info === undefined || info.unacked === 0 ? 0 : info.rtoMs;
  }

  /** A last word after all; its answer is an event. */
  say(bytes: Uint8Array): void {
    const descriptor = this.#descriptor();
    const before = this.#count();
    if (descriptor === undefined || before === undefined) return; // its end is on its way
    this.#sentBeforeRequest = before.segmentsOut;
    // Where nothing acknowledges the request our own kernel would give it up as soon as the server's its answer.
    isGranted(() => this.#kernel.setUserTimeout(descriptor, NEVER_MS));
    const saidAfter = monotonicNow();
    this.#socket.write(bytes);
    this.#lastWordAt = monotonicNow();
    this.#lastWordWithinMs = msBetween(saidAfter, this.#lastWordAt);
    const after = this.#count();
    // Of the request itself nothing is to be told; of an answer that came meanwhile, all.
    this.#counters = after && { ...before, segmentsOut: after.segmentsOut };
    this.#lookedAt = saidAfter;
  }

  /** Makes our kernel ask the server's, once this connection has heard nothing for a second. */
  ask(): void {
    const descriptor = this.#descriptor();
    const info = this.#info();
    if (descriptor === undefined || info === undefined) return;
    if (!sendKeepaliveProbe(this.#kernel, descriptor)) return; // its end is on its way
    const now = monotonicNow();
    this.#questions.ask(info, now);
    this.#tell('asked', now, 0);
  }

  stopAsking(): void {
    const descriptor = this.#descriptor();
    if (descriptor !== undefined) stopKeepalive(this.#kernel, descriptor);
    this.#questions.stop();
  }

  /** Reachable again, and asks. A goodbye that comes now was said long ago. */
  lift(): void {
    this.heal();
    this.#liftedAtMs = msBetween(this.#lastWordAt, monotonicNow());
    this.ask();
  }

  /** Lifted and answered: the server's kernel still knows it, and no goodbye is under way. */
  isHeld(): void {
    this.#end('held');
  }

  look(): void {
    const [lookedBefore, lookedAt] = [this.#lookedAt, monotonicNow()];
    this.#lookedAt = lookedAt;
    const after = this.#ended === undefined ? this.#count() : undefined;
    if (after === undefined) return;
    // A process that is kept from running between the two has seen what came until the second.
    const now = monotonicNow();
    const withinMs = msBetween(lookedBefore, now);
    const before = this.#counters ?? after;
    this.#counters = after;
    if (COUNTED.some((name) => after[name] !== before[name])) this.#movedAt = now;
    const sent = after.segmentsOut - before.segmentsOut;
    if (this.#speaks) this.#wasSpokenTo = after.dataSegmentsIn > 0;
    if (this.#speaks && sent > 0) {
      this.#lastWordAt = now;
      this.#lastWordWithinMs = withinMs;
    }
    const isDataNews = after.dataSegmentsIn > before.dataSegmentsIn && this.#liftedAtMs === null;
    const isAnswered = this.#questions.hear(after, isDataNews, now);
    if (this.#liftedAtMs !== null) return; // it may say what it could not before: that is no news
    const { data, bare, swallowed, goodbye } = arrivals(before, after, this.#engine);
    // The request is acknowledged: from now on only goodbyes need to pass.
    if (this.#sentBeforeRequest !== undefined && this.#isAcknowledged(after)) {
      this.#sentBeforeRequest = undefined;
      if (this.#engine === 'data-filter') this.cut('goodbye-filter');
    }
    if (data > 0) this.#tell('data', now, withinMs);
    if (bare > (isAnswered ? 1 : 0)) this.#tell('bare', now, withinMs);
    if (swallowed > this.#answersAmong(swallowed, sent, now))
      this.#tell('swallowed', now, withinMs);
    if (goodbye === 'some') this.#goodbye ??= { at: now, withinMs };
    else if (goodbye !== undefined) this.#end(goodbye, { at: now, withinMs });
    // Whoever said RST is asked about it and says it again; what is not said again was a FIN.
    else if (this.#goodbye && msBetween(this.#goodbye.at, now) > this.patienceMs) this.#end('fin');
  }

  /** Gives the server its slot back at once, with an RST. Idempotent. */
  close(): void {
    this.heal();
    this.#ended ??= 'reset';
    this.#socket.resetAndDestroy();
  }

  #answersAmong(swallowed: number, sent: number, now: Instant): number {
    if (!isDeaf(this.#engine)) return 0;
    return this.#questions.answersAmong(swallowed, sent, this.patienceMs, now);
  }

  #end(
    how: 'fin' | 'reset' | 'held',
    seen?: { readonly at: Instant; readonly withinMs: number },
  ): void {
    if (this.#ended !== undefined) return;
    const now = monotonicNow();
    const { at, withinMs } = this.#goodbye ??
      seen ?? { at: now, withinMs: msBetween(this.#lookedAt, now) };
    // Who is asked and answers RST knows the connection no more; a FIN is its own, said again.
    this.#ended = this.#liftedAtMs !== null && how === 'reset' ? 'gone' : how;
    this.#tell(this.#ended, at, withinMs);
  }

  /** Once a look, however many: of what a stranger sends little is kept. */
  #tell(kind: VanishEventKind, at: Instant, withinMs: number): void {
    if (this.#speaks) return;
    if (kind === 'data' && ++this.#dataEvents > MOST_DATA_EVENTS) return;
    const atMs = roundMs(msBetween(this.#lastWordAt, at));
    const event = { connection: this.name, kind, atMs, withinMs: roundMs(withinMs) };
    this.#events.push(event);
    this.#onEvent(event);
  }

  /** The request has left, and the server has it. */
  #isAcknowledged({ segmentsOut, unacked }: Counters): boolean {
    return segmentsOut > (this.#sentBeforeRequest ?? Infinity) && unacked === 0;
  }

  /** Drops first: what is swallowed in between has been sent, or asked for, when the rest is read. */
  #count(): (TcpInfo & Counters) | undefined {
    const descriptor = this.#descriptor();
    if (descriptor === undefined) return undefined;
    const drops = this.#kernel.drops(descriptor);
    const info = this.#kernel.tcpInfo(descriptor);
    return info && { ...info, drops };
  }

  #descriptor(): number | undefined {
    return this.#socket.destroyed ? undefined : descriptorOf(this.#socket);
  }

  #info(): TcpInfo | undefined {
    const descriptor = this.#descriptor();
    return descriptor === undefined ? undefined : this.#kernel.tcpInfo(descriptor);
  }
}

const COUNTED = ['segmentsIn', 'segmentsOut', 'drops'] as const;
