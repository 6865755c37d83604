/**
 * What became of a keepalive probe of ours, and which segments answer what our own kernel sent: they
 * are no news of the server. Knows no socket, and no clock but the one it is given.
 */
import { addMs, instantAt, type Instant } from '../core/time.js';
import type { TcpInfo } from '../kernel/socket-view.js';

/** An acknowledgement this much younger than the last one before a question is its answer. */
const NEWER_MS = 500;

/** `unanswered`: it has left, and nothing came back so far. */
export type Answer = 'not-sent' | 'unanswered' | 'acknowledged' | 'swallowed';

export class Questions {
  #last: { acknowledgedBefore: Instant; answer: Answer } | undefined;
  /** Answers to what our own kernel sends while it hears nothing: until when they are expected. */
  #owed: { count: number; until: Instant } = { count: 0, until: instantAt(0) };

  /** What has become of the last one. */
  get answer(): Answer {
    return this.#last?.answer ?? 'not-sent';
  }

  /** @param info as it was before */
  ask(info: TcpInfo, now: Instant): void {
    this.#last = { acknowledgedBefore: acknowledgedAt(info, now), answer: 'not-sent' };
  }

  stop(): void {
    this.#last = undefined;
  }

  /**
   * @param isDataNews data has come, which says nothing of the question
   * @returns whether the answer came just now
   */
  hear(info: TcpInfo, isDataNews: boolean, now: Instant): boolean {
    const question = this.#last;
    if (question === undefined || question.answer === 'acknowledged') return false;
    if (question.answer === 'not-sent' && info.probes > 0) question.answer = 'unanswered';
    if (isDataNews) {
      // A late greeting acknowledges too, and puts the probe off: what comes then is the answer.
      question.acknowledgedBefore = acknowledgedAt(info, now);
      return false;
    }
    // A probe of the server's acknowledges nothing: only an answer makes this younger.
    if (acknowledgedAt(info, now) < addMs(question.acknowledgedBefore, NEWER_MS)) return false;
    question.answer = 'acknowledged';
    return true;
  }

  /**
   * Who hears nothing acknowledges nothing: what it sends is its own, and draws one segment each.
   * @returns how many of the swallowed ones are answers
   */
  answersAmong(swallowed: number, sent: number, patienceMs: number, now: Instant): number {
    if (now > this.#owed.until) this.#owed.count = 0;
    if (sent > 0) this.#owed = { count: this.#owed.count + sent, until: addMs(now, patienceMs) };
    const answers = Math.min(this.#owed.count, swallowed);
    this.#owed.count -= answers;
    if (answers > 0 && this.#last !== undefined) this.#last.answer = 'swallowed';
    return answers;
  }
}

function acknowledgedAt({ lastAckReceivedMs }: TcpInfo, now: Instant): Instant {
  return addMs(now, -lastAckReceivedMs);
}
