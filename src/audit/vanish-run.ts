/**
 * One connection that has vanished, from its silence to what can be said of the server: what is to be
 * done next is the inference's to say, this does it. Time is the caller's.
 */
import { addMs, type Instant } from '../core/time.js';
import type { Inference } from '../core/vanish-inference.js';
import type { VanishLog } from '../core/vanish-log.js';
import type { VanishedConnection, VanishProgress, VanishProof } from '../core/vanish-result.js';
import { infer } from './inference.js';
import type { Silence } from './silence.js';
import type { WatchedConnection } from './watched-connection.js';

/** A server that sends nothing on its own proves nothing either: then it is asked, once this early. */
const PROVE_AFTER_MS = 10_000;

/** Far beyond any round trip; our probe itself waits until a second has been silent. */
const ANSWER_WITHIN_MS = 3000;
const LONGEST_PATIENCE_MS = 30_000;

export interface VanishRunOptions {
  readonly connection: WatchedConnection;
  readonly number: number;
  /** The one that stayed reachable. */
  readonly quiet: WatchedConnection;
  readonly silence: Silence;
  readonly load: VanishLog['load'];
  readonly waitMs: number;
  readonly onEvent: (event: VanishProgress) => void;
}

type Step =
  | { readonly kind: 'watching' }
  | { readonly kind: 'proving'; readonly until: Instant }
  | { readonly kind: 'lifting'; readonly until: Instant }
  | { readonly kind: 'over' };

/** What came for the vanished one and stayed without an answer. */
const UNANSWERED: ReadonlySet<string> = new Set(['swallowed', 'bare', 'data']);

export class VanishRun {
  readonly #options: VanishRunOptions;
  #step: Step = { kind: 'watching' };
  #provenBy: VanishProof | undefined;
  #wasAsked = false;
  #wasLifted = false;
  #eventsSeen = -1;
  #inference: Inference;

  constructor(options: VanishRunOptions) {
    this.#options = options;
    if (options.silence.proven) this.#prove('probe');
    this.#inference = infer(this.log());
  }

  get isOver(): boolean {
    return this.#step.kind === 'over';
  }

  get provenBy(): VanishProof | undefined {
    return this.#provenBy;
  }

  get inference(): Inference {
    return this.#inference;
  }

  log(): VanishLog {
    const { connection, quiet, silence, load } = this.#options;
    const events = [...connection.events, ...quiet.events].sort((a, b) => a.atMs - b.atMs);
    const { rttMs, liftedAtMs } = connection;
    const watchedMs = Math.min(connection.silentMs, liftedAtMs ?? Infinity);
    return { engine: silence.engine, load, rttMs, liftedAtMs, watchedMs, events };
  }

  result(): VanishedConnection {
    const { noticed, noticedAfterMs, how, mechanism, inferred } = this.#inference;
    const proven = this.#provenBy !== undefined;
    return { noticed, noticedAfterMs, how, mechanism, inferred, proven, events: this.log().events };
  }

  /** To be called after every look. */
  step(now: Instant): void {
    const { connection, waitMs } = this.#options;
    if (this.#step.kind === 'over') return;
    this.#infer();
    if (this.#provenBy === undefined && connection.events.some(({ kind }) => UNANSWERED.has(kind)))
      this.#prove('segment');
    if (this.#step.kind === 'proving') this.#seeProof(this.#step.until, now);
    else if (this.#step.kind === 'lifting') this.#seeAnswer(this.#step.until, now);
    else if (this.#inference.next.kind === 'done') this.#step = { kind: 'over' };
    else if (this.#inference.next.kind === 'lift' && !this.#wasLifted) this.#lift(now);
    else if (connection.silentMs >= waitMs) this.#atTheEnd(now);
    else if (connection.silentMs >= PROVE_AFTER_MS && !this.#wasAsked) this.#ask(now);
  }

  /** Every figure that depends on how long it was watched, as of now. */
  conclude(): void {
    this.#eventsSeen = -1;
    this.#infer();
  }

  /** First the proof, if there is none; then, where something was swallowed, what the server says to it. */
  #atTheEnd(now: Instant): void {
    const { events } = this.#options.connection;
    if (this.#provenBy === undefined && !this.#wasAsked) this.#ask(now);
    else if (events.length > 0 && !this.#wasLifted) this.#lift(now);
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
    this.#wasLifted = true;
    connection.lift();
    // Whoever closes the one may have closed the other: then a FIN is being retransmitted.
    const goodbyeMs = quiet.ended === undefined ? 0 : this.#nextRetransmissionMs();
    const waitMs = Math.max(ANSWER_WITHIN_MS, goodbyeMs);
    this.#step = { kind: 'lifting', until: addMs(now, waitMs) };
  }

  /** A server that has closed it answers too, until its FIN is retransmitted: that is waited for. */
  #seeAnswer(until: Instant, now: Instant): void {
    const { connection, quiet, number, onEvent } = this.#options;
    const isAnswered = connection.answer === 'acknowledged';
    const mayCloseYet = !isAnswered || quiet.ended !== undefined;
    if (connection.ended === undefined && mayCloseYet && now < until) return;
    if (isAnswered) connection.isHeld();
    const { ended } = connection;
    const answer = ended === undefined ? 'none' : ended === 'held' ? 'held' : 'gone';
    onEvent({ event: 'lifted', number, answer });
    this.conclude();
    this.#step = { kind: 'over' };
  }

  /** The pause before the last segment, doubled: back-off (RFC 6298 section 5.5). */
  #nextRetransmissionMs(): number {
    const [before, last] = this.#options.connection.events.slice(-2);
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
