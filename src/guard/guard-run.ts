/**
 * A guardian at work: its judgement (core/guard/guardian.ts), the one timer, and hands and ears for each
 * service. What happens is told; nothing here decides.
 */
import { guardStatus, type GuardStatus } from '../core/guard/guard-status.js';
import type { GuardEvent } from '../core/guard/guard-log.js';
import { Guardian, type GuardianAction } from '../core/guard/guardian.js';
import type { GuardConfig } from '../core/guard/service-config.js';
import type { ServiceGuard } from '../core/guard/service-guard.js';
import type { ServiceInput } from '../core/guard/service-step.js';
import { msBetween, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { interruptible } from '../kernel/interruption.js';
import { residentBytes } from '../kernel/resident-bytes.js';
import { deadlines, type DeadlineOwner } from '../net/deadlines.js';
import { ServiceHands, type Tools } from './service-hands.js';

export interface GuardRunOptions {
  readonly config: GuardConfig;
  /** What would be done about a dead service is only told. */
  readonly dryRun: boolean;
  readonly tools: Omit<Tools, 'interruption'>;
  readonly onEvent: (event: GuardEvent) => void;
}

export class GuardRun implements DeadlineOwner {
  /** Resolves when every service has ended. */
  readonly done: Promise<void>;
  readonly #guardian: Guardian;
  readonly #hands = new Map<ServiceGuard, ServiceHands>();
  readonly #tools: Tools;
  readonly #onEvent: (event: GuardEvent) => void;
  readonly #deadline = deadlines.enter(this);
  readonly #end = interruptible();
  readonly #startedAt = monotonicNow();
  /** What is to be judged comes one after another, also where it comes while something is being done. */
  readonly #waiting: ((now: Instant) => readonly GuardianAction[])[] = [];
  #isStepping = false;
  #settleDone: () => void = () => undefined;

  constructor({ config, dryRun, tools, onEvent }: GuardRunOptions) {
    this.#guardian = new Guardian(config, { random: Math.random, dryRun });
    this.#tools = { ...tools, interruption: this.#end.signal };
    this.#onEvent = onEvent;
    this.done = new Promise((resolve) => {
      this.#settleDone = resolve;
    });
  }

  begin(): void {
    this.#step((now) => this.#guardian.begin(now));
  }

  reload(config: GuardConfig): void {
    this.#step((now) => this.#guardian.reload(config, now));
  }

  /** Everything is stopped in order. */
  end(reason: string): void {
    this.#end.abort();
    this.#step((now) => this.#guardian.end(reason, now));
  }

  deadlineCame(): void {
    this.#step((now) => this.#guardian.tick(now));
  }

  /** Services that are down, and nothing more is done about them. */
  get lost(): readonly string[] {
    return this.#guardian.services
      .filter(({ hasGivenUp }) => hasGivenUp)
      .map(({ config }) => config.name);
  }

  status(): GuardStatus {
    const facts = {
      time: new Date().toISOString(),
      pid: process.pid,
      startedAt: this.#startedAt,
      residentBytes: residentBytes(),
      refused: this.#tools.beats.refused,
    };
    return guardStatus(this.#guardian.services, facts, monotonicNow());
  }

  /** How it went, once it is done. */
  summary(): GuardEvent {
    const services = this.#guardian.services;
    return {
      event: 'summary',
      durationMs: Math.round(msBetween(this.#startedAt, monotonicNow())),
      restarts: Object.fromEntries(services.map(({ config, restarts }) => [config.name, restarts])),
      lost: this.lost,
    };
  }

  #step(judge: (now: Instant) => readonly GuardianAction[]): void {
    this.#waiting.push(judge);
    if (this.#isStepping) return;
    this.#isStepping = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      for (const action of next(monotonicNow())) this.#take(action);
      this.#attune();
    }
    this.#isStepping = false;
    deadlines.move(this.#deadline, this.#guardian.nextDeadline());
  }

  #take(action: GuardianAction): void {
    switch (action.kind) {
      case 'tell':
        this.#onEvent(action.event);
        break;
      case 'do':
        this.#handsOf(action.service).do(action.action);
        break;
      case 'done':
        deadlines.leave(this.#deadline);
        this.#settleDone();
        break;
    }
  }

  /** Whoever is watched is listened to, and nobody else. */
  #attune(): void {
    const services = this.#guardian.services;
    for (const guard of services) this.#handsOf(guard).listen(guard.isWatched);
    for (const [guard, hands] of this.#hands) {
      if (services.includes(guard)) continue;
      hands.listen(false);
      this.#hands.delete(guard);
    }
  }

  #handsOf(guard: ServiceGuard): ServiceHands {
    const known = this.#hands.get(guard);
    if (known !== undefined) return known;
    const hands = new ServiceHands(guard.config, this.#tools, {
      input: (input: ServiceInput) => this.#step((now) => this.#guardian.step(guard, input, now)),
      tell: (news) => this.#onEvent({ service: guard.config.name, ...news }),
    });
    this.#hands.set(guard, hands);
    return hands;
  }
}
