/**
 * Finds out which of our own connections nobody is at the other end of any more: one keepalive probe
 * on each that is silent, answered by any kernel that still knows it, and a second one before it is
 * blamed. Where data is in flight there is no probe, and the retransmissions ask instead. The options
 * found before are put back.
 */
import { addMs, msBetween, type Instant } from '../core/time.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { OptionValues } from '../kernel/socket-view.js';
import type { Connection } from './connection.js';
import { sendKeepaliveProbe, SILENT_BEFORE_PROBE_MS } from './keepalive-probe.js';

/** Unanswered ones: a single one may be lost, or its answer. */
const PROBES = 2;

/** Whoever has not answered in so many retransmission timeouts is late by TCP's own measure. */
const PATIENCE = 3;
const SHORTEST_ANSWER_MS = 1000;
const LONGEST_ANSWER_MS = 10_000;

/** Who has answered may vanish yet. */
const ASK_AGAIN_MS = 10_000;

/** A look asks no more than that many: two thousand a second at twenty looks. */
const MOST_A_LOOK = 100;

interface Question {
  readonly before: OptionValues;
  readonly segmentsIn: number;
  /** How many were out and unanswered when it was asked. */
  readonly unansweredBefore: number;
  readonly answerBy: Instant;
  readonly asked: number;
}

export class HalfOpenSearch {
  readonly #kernel: Kernel;
  readonly #questions = new Map<Connection, Question>();
  readonly #answeredAt = new WeakMap<Connection, Instant>();

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** To be called again and again. @returns those that are half-open */
  look(open: readonly Connection[], now: Instant): readonly Connection[] {
    const { tcpInfo, keepaliveTuning } = this.#kernel.capabilities;
    if (!tcpInfo || !keepaliveTuning) return [];
    const halfOpen = [...this.#questions].filter(([connection, question]) =>
      this.#isUnanswered(connection, question, now),
    );
    let asked = 0;
    for (const connection of open) {
      if (asked === MOST_A_LOOK) break;
      if (this.#questions.has(connection) || !this.#isToBeAsked(connection, now)) continue;
      asked++;
      this.#ask(connection, now);
    }
    return halfOpen.map(([connection]) => connection);
  }

  /** Puts back what is still to be put back. */
  stop(): void {
    for (const [connection, { before }] of this.#questions) this.#putBack(connection, before);
    this.#questions.clear();
  }

  #isToBeAsked(connection: Connection, now: Instant): boolean {
    if (connection.silentMs(now) < SILENT_BEFORE_PROBE_MS) return false;
    const answeredAt = this.#answeredAt.get(connection);
    return answeredAt === undefined || msBetween(answeredAt, now) >= ASK_AGAIN_MS;
  }

  #ask(connection: Connection, now: Instant, earlier?: Question): void {
    const { descriptor } = connection;
    const info = descriptor === undefined ? undefined : this.#kernel.tcpInfo(descriptor);
    if (descriptor === undefined || info === undefined) return;
    try {
      const before = earlier?.before ?? this.#kernel.optionValues(descriptor);
      sendKeepaliveProbe(this.#kernel, descriptor);
      const answerMs = Math.max(
        SHORTEST_ANSWER_MS,
        Math.min(info.rtoMs * PATIENCE, LONGEST_ANSWER_MS),
      );
      this.#questions.set(connection, {
        before,
        segmentsIn: info.segmentsIn,
        unansweredBefore: info.probes + info.retransmits,
        answerBy: addMs(now, answerMs),
        asked: (earlier?.asked ?? 0) + 1,
      });
    } catch (error) {
      if (!(error instanceof KernelRefusal)) throw error; // it has just ended
      this.#questions.delete(connection);
    }
  }

  /** By the kernel's counts: silent is only whoever left unanswered what has really been sent. */
  #isUnanswered(connection: Connection, question: Question, now: Instant): boolean {
    const { descriptor } = connection;
    const info = descriptor === undefined ? undefined : this.#kernel.tcpInfo(descriptor);
    if (info === undefined || connection.ending !== undefined) {
      this.#questions.delete(connection);
      return false;
    }
    if (info.segmentsIn !== question.segmentsIn) {
      this.#questions.delete(connection);
      this.#answeredAt.set(connection, now);
      this.#putBack(connection, question.before);
      return false;
    }
    const hasAsked =
      info.probes + info.retransmits > question.unansweredBefore ||
      // The next retransmission may be minutes away.
      (info.retransmits >= PROBES && info.lastAckReceivedMs >= LONGEST_ANSWER_MS);
    if (!hasAsked || now < question.answerBy) return false;
    if (question.asked < PROBES) {
      this.#ask(connection, now, question);
      return false;
    }
    this.#questions.delete(connection);
    return true;
  }

  #putBack(connection: Connection, before: OptionValues): void {
    const { descriptor } = connection;
    if (descriptor === undefined) return;
    try {
      this.#kernel.setOptionValues(descriptor, before);
    } catch (error) {
      if (!(error instanceof KernelRefusal)) throw error; // it has just ended
    }
  }
}
