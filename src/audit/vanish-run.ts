/**
 * One connection that has vanished, from its silence to what can be said of the server: what is to be
 * done next is the inference's to say, this does it. Time is the caller's.
 */
import { addMs, type Instant } from '../core/time.js';
import { granuleMs } from '../core/timer-wheel.js';
import type { Inference } from '../core/vanish-inference.js';
import type { VanishLog } from '../core/vanish-log.js';
import type { Lifted, VanishedConnection, VanishNews, VanishProof } from '../core/vanish-result.js';
import { greeting, type Greeting } from './greeting.js';
import { inFlight, type InFlight } from './in-flight.js';
import { infer, unansweredFor } from './inference.js';
import { engineFor, type Silence } from './silence.js';
import type { WatchedConnection } from './watched-connection.js';

/** A server that sends nothing on its own proves nothing either: then it is asked, once this early. */
const PROVE_AFTER_MS = 10_000;

/** Far beyond any round trip; our probe itself waits until a second has been silent. */
const ANSWER_WITHIN_MS = 3000;

/** Probes are answered twice a second at most (net.ipv4.tcp_invalid_ratelimit, ip-sysctl.rst). */
const ASK_AGAIN_MS = 700;

const LONGEST_PATIENCE_MS = 30_000;

export interface VanishRunOptions {
  readonly connection: WatchedConnection;
  readonly number: number;
  /** The one that stayed reachable. */
  readonly quiet: WatchedConnection;
  readonly silence: Silence;
  readonly load: VanishLog['load'];
  readonly waitMs: number;
  readonly onEvent: (event: VanishNews) => void;
}

type Step =
  | { readonly kind: 'watching' }
  | { readonly kind: 'proving'; readonly until: Instant }
  | { readonly kind: 'lifting'; readonly until: Instant; readonly askAgainAt: Instant }
  | { readonly kind: 'over' };

/** There is no load. */
const MISSED: ReadonlySet<InFlight> = new Set(['no-answer', 'acknowledged']);

/** What came for the vanished one and stayed without an answer. */
const UNANSWERED: ReadonlySet<string> = new Set(['swallowed', 'bare', 'data']);

export class VanishRun {
  readonly #options: VanishRunOptions;
  #step: Step = { kind: 'watching' };
  #provenBy: VanishProof | undefined;
  #wasAsked = false;
  #lifted: Lifted = 'not-lifted';
  #greeting: Greeting = 'pending';
  #inFlight: InFlight = 'pending';
  #eventsSeen = -1;
  #inference: Inference;

  constructor(options: VanishRunOptions) {
    this.#options = options;
    if (options.silence.proven) this.#prove('trial');
    this.#inference = infer(this.log());
  }

  get isOver(): boolean {
    return this.#step.kind === 'over';
  }

  get provenBy(): VanishProof | undefined {
    return this.#provenBy;
  }

  /** Whether the server had not yet said what it says first; once known it stays so. */
  get greeting(): Greeting {
    if (this.#greeting === 'pending') {
      const { connection, quiet } = this.#options;
      const wasGreeted = { quiet: quiet.wasSpokenTo, vanished: connection.wasSpokenTo };
      this.#greeting = greeting({ log: this.log(), quietMs: quiet.silentMs, wasGreeted });
    }
    return this.#greeting;
  }

  get inference(): Inference {
    return this.#inference;
  }

  /** As one that had vanished. */
  get watchedMs(): number {
    const { silentMs, liftedAtMs } = this.#options.connection;
    return Math.min(silentMs, liftedAtMs ?? Infinity);
  }

  /** Under load `write`; once known it stays so. */
  get inFlight(): InFlight {
    if (this.#inFlight === 'pending') this.#inFlight = inFlight(this.log());
    return this.#inFlight;
  }

  log(): VanishLog {
    const { connection, quiet, silence, load } = this.#options;
    const events = [...connection.events, ...quiet.events].sort((a, b) => a.atMs - b.atMs);
    const { rttMs, liftedAtMs } = connection;
    const lastWordWithinMs = {
      quiet: quiet.lastWordWithinMs,
      vanished: connection.lastWordWithinMs,
    };
    return {
      ...{ engine: engineFor(silence.engine, load), load, rttMs, lastWordWithinMs, liftedAtMs },
      ...{ watchedMs: this.watchedMs, events },
    };
  }

  result(): VanishedConnection {
    const { noticed, noticedAfterMs, how, mechanism, inferred } = this.#inference;
    const log = this.log();
    const { watchedMs, events } = log;
    const seen = { noticed, noticedAfterMs, how, mechanism, inferred };
    const proven = this.#provenBy !== undefined;
    const unansweredMs = unansweredFor(log);
    return { ...seen, proven, watchedMs, lifted: this.#lifted, unansweredMs, events };
  }

  /** To be called after every look. */
  step(now: Instant): void {
    const { connection, waitMs } = this.#options;
    if (this.#step.kind === 'over') return;
    this.#infer();
    const { load } = this.#options;
    if (load === 'write' && this.#step.kind === 'watching' && MISSED.has(this.inFlight)) {
      this.#step = { kind: 'over' };
      return;
    }
    if (this.#provenBy === undefined && connection.events.some(({ kind }) => UNANSWERED.has(kind)))
      this.#prove('segment');
    if (this.#step.kind === 'proving') this.#seeProof(this.#step.until, now);
    else if (this.#step.kind === 'lifting') this.#seeAnswer(this.#step, now);
    else if (this.#inference.next.kind === 'done') this.#step = { kind: 'over' };
    else if (this.#inference.next.kind === 'lift' && this.#lifted === 'not-lifted') this.#lift(now);
    else if (connection.silentMs >= waitMs) this.#atTheEnd(now);
    else if (connection.silentMs >= PROVE_AFTER_MS && !this.#wasAsked) this.#ask(now);
  }

  /** Every figure that depends on how long it was watched, as of now. */
  conclude(): void {
    this.#eventsSeen = -1;
    this.#infer();
  }

  /** First the proof, if there is none; then whether the server still knows the connection. */
  #atTheEnd(now: Instant): void {
    if (this.#provenBy === undefined && !this.#wasAsked) this.#ask(now);
    else if (this.#lifted === 'not-lifted') this.#lift(now);
    else this.#step = { kind: 'over' };
  }

  #ask(now: Instant): void {
    this.#wasAsked = true;
    if (this.#provenBy !== undefined) return;
    this.#options.connection.ask();
    this.#step = { kind: 'proving', until: addMs(now, ANSWER_WITHIN_MS) };
  }

  #seeProof(until: Instant, now: Instant): void {
    const { connection } = this.#options;
    const { answer } = connection;
    if (answer === 'swallowed') this.#prove('probe');
    if (answer !== 'swallowed' && connection.ended === undefined && now < until) return;
    connection.stopAsking();
    this.#step = { kind: 'watching' };
  }

  #lift(now: Instant): void {
    const { connection, quiet } = this.#options;
    this.#lifted = 'none';
    connection.lift();
    // Whoever closes the one may have closed the other: then a FIN is being retransmitted.
    const goodbyeMs = quiet.ended === undefined ? 0 : this.#nextRetransmissionMs();
    // With a request under way our kernel does not probe: it asks when it repeats that.
    const { repeatsWithinMs } = connection;
    const repeatMs = repeatsWithinMs + granuleMs(repeatsWithinMs, undefined);
    const waitMs = Math.max(ANSWER_WITHIN_MS + repeatMs, goodbyeMs);
    const until = addMs(now, waitMs);
    this.#step = { kind: 'lifting', until, askAgainAt: addMs(now, ASK_AGAIN_MS) };
  }

  /** A server that has closed it answers too, until its FIN is retransmitted: that is waited for. */
  #seeAnswer(step: Extract<Step, { kind: 'lifting' }>, now: Instant): void {
    const { connection, quiet, number, onEvent } = this.#options;
    const isAnswered = connection.answer === 'acknowledged';
    const mayCloseYet = !isAnswered || quiet.ended !== undefined;
    if (connection.ended === undefined && mayCloseYet && now < step.until) {
      if (isAnswered || now < step.askAgainAt) return;
      connection.ask();
      this.#step = { ...step, askAgainAt: addMs(now, ASK_AGAIN_MS) };
      return;
    }
    if (isAnswered) connection.isHeld();
    const { ended } = connection;
    if (ended !== undefined) this.#lifted = ended === 'held' ? 'held' : 'gone';
    onEvent({ event: 'lifted', number, answer: this.#lifted });
    this.conclude();
    this.#step = { kind: 'over' };
  }

  /** The pause before the last segment, doubled: back-off (RFC 6298 section 5.5). */
  #nextRetransmissionMs(): number {
    const { events } = this.#options.connection;
    const [before, last] = events.filter(({ kind }) => UNANSWERED.has(kind)).slice(-2);
    if (before === undefined || last === undefined) return 0;
    return Math.min(LONGEST_PATIENCE_MS, 2 * (last.atMs - before.atMs) + 1000);
  }

  #prove(by: VanishProof): void {
    this.#provenBy = by;
    const { number, onEvent } = this.#options;
    onEvent({ event: 'proven', number, by });
  }

  #infer(): void {
    const { connection, quiet } = this.#options;
    const seen = connection.events.length + quiet.events.length;
    const { next } = this.#inference;
    const isDue =
      next.kind === 'watch' && next.changesAtMs !== null && connection.silentMs >= next.changesAtMs;
    if (seen === this.#eventsSeen && !isDue) return;
    this.#eventsSeen = seen;
    this.#inference = infer(this.log());
  }
}
