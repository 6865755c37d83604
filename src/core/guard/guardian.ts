/**
 * Several services and what concerns them together: the order in which they are stopped, another
 * configuration, and silences at one instant, which are the guardian's own trouble first.
 */
import { earliest, msBetween, type Instant } from '../time.js';
import type { GuardEvent } from './guard-log.js';
import type { GuardConfig, ServiceConfig } from './service-config.js';
import { ServiceGuard } from './service-guard.js';
import type { ServiceAction, ServiceInput, ServiceState } from './service-step.js';

export type GuardianAction =
  | { readonly kind: 'tell'; readonly event: GuardEvent }
  | {
      readonly kind: 'do';
      readonly service: ServiceGuard;
      readonly action: Exclude<ServiceAction, { readonly kind: 'tell' | 'late' }>;
    }
  /** Every service has ended. */
  | { readonly kind: 'done' };

export interface GuardianOptions {
  /** 0 to 1. */
  readonly random: () => number;
  readonly dryRun: boolean;
}

interface Guarded {
  readonly guard: ServiceGuard;
  /** What comes once it has ended; undefined: nobody has asked it to. */
  next?: ServiceConfig | 'nothing' | undefined;
}

type Actions = readonly GuardianAction[];

export class Guardian {
  readonly #options: GuardianOptions;
  /** By their names, in the order of the configuration. */
  #services: Map<string, Guarded>;
  #isEnding = false;
  #isDone = false;

  constructor({ services }: GuardConfig, options: GuardianOptions) {
    this.#options = options;
    this.#services = new Map(services.map((config) => [config.name, this.#guarded(config)]));
  }

  get services(): readonly ServiceGuard[] {
    return [...this.#services.values()].map(({ guard }) => guard);
  }

  nextDeadline(): Instant | undefined {
    let first: Instant | undefined;
    for (const { guard } of this.#services.values()) first = earliest(first, guard.nextDeadline());
    return first;
  }

  /** Those that no earlier `reload` has begun. */
  begin(now: Instant): Actions {
    return this.services
      .filter(({ state }) => state === 'idle')
      .flatMap((guard) => stepped(guard, { kind: 'begin' }, now));
  }

  step(guard: ServiceGuard, input: ServiceInput, now: Instant): Actions {
    return [...stepped(guard, input, now), ...this.#settle(now)];
  }

  /** To be called when `nextDeadline` has come. */
  tick(now: Instant): Actions {
    const late = new Map<string, number>();
    const together = this.#graceTogether(now);
    const actions = this.services.flatMap((guard) =>
      guard.step({ kind: 'tick' }, now).flatMap((action) => {
        if (action.kind === 'late') late.set(guard.config.name, action.lateMs);
        return wrapped(guard, action);
      }),
    );
    return [...together, ...lateness(late), ...actions, ...this.#settle(now)];
  }

  /** Everything is stopped, one after another, the last one first. */
  end(reason: string, now: Instant): Actions {
    if (this.#isEnding) return [];
    this.#isEnding = true;
    const retired = this.services.flatMap((guard) => stepped(guard, { kind: 'retire' }, now));
    return [{ kind: 'tell', event: { event: 'ending', reason } }, ...retired, ...this.#settle(now)];
  }

  /** Services whose configuration is the same go on; one that was given up is tried again. */
  reload(config: GuardConfig, now: Instant): Actions {
    if (this.#isEnding || this.#isDone) return [];
    const change = changeOf(this.services, config);
    const before = this.#services;
    this.#services = new Map(
      config.services.map((each) => [each.name, before.get(each.name) ?? this.#guarded(each)]),
    );
    for (const name of change.removed) {
      const old = before.get(name);
      if (old !== undefined) this.#services.set(name, old);
    }
    const leaving = this.#ask(change, config);
    return [
      { kind: 'tell', event: { event: 'reloaded', ...change } },
      ...leaving.flatMap((guard) => stepped(guard, { kind: 'end' }, now)),
      ...change.added.flatMap((name) => this.#begin(name, now)),
      ...this.#settle(now),
    ];
  }

  /** Who has to end for it; also who was on its way out, and is wanted again. */
  #ask({ changed, revived }: Change, { services }: GuardConfig): readonly ServiceGuard[] {
    return [...this.#services.values()].flatMap((guarded) => {
      const { name } = guarded.guard.config;
      const config = services.find((each) => each.name === name);
      const isLeaving = guarded.next !== undefined || changed.includes(name);
      if (config !== undefined && !isLeaving && !revived.includes(name)) return [];
      guarded.next = config ?? 'nothing';
      return guarded.guard;
    });
  }

  #begin(name: string, now: Instant): Actions {
    const guard = this.#services.get(name)?.guard;
    return guard === undefined ? [] : stepped(guard, { kind: 'begin' }, now);
  }

  /** What follows for all of them from what one has become. */
  #settle(now: Instant): Actions {
    const lost = this.services.find(({ state, config }) => isLost(state, config));
    if (lost !== undefined && !this.#isEnding) {
      return this.end(`${lost.config.name} was given up`, now);
    }
    if (this.#isEnding) return this.#endNext(now);
    const actions = [...this.#services].flatMap(([name, { guard, next }]) => {
      if (guard.state !== 'ended' || next === undefined) return [];
      if (next === 'nothing') {
        this.#services.delete(name);
        return [];
      }
      this.#services.set(name, this.#guarded(next));
      return this.#begin(name, now);
    });
    return [...actions, ...this.#doneOnceAllHaveEnded()];
  }

  #endNext(now: Instant): Actions {
    const actions: GuardianAction[] = [];
    for (const guard of this.services.toReversed()) {
      if (guard.state === 'ended') continue;
      actions.push(...stepped(guard, { kind: 'end' }, now));
      // A state that is not over yet is waited for before the next one's turn.
      if (!hasEnded(guard)) return actions;
    }
    return [...actions, ...this.#doneOnceAllHaveEnded()];
  }

  #doneOnceAllHaveEnded(): Actions {
    if (this.#isDone || !this.services.every(hasEnded)) return [];
    this.#isDone = true;
    return [{ kind: 'done' }];
  }

  /**
   * Where one is to be judged and the last signs of others came at the same instant, within the pace at which
   * they come, it is likelier that something of ours does not hear them: once a silence, all count anew.
   */
  #graceTogether(now: Instant): Actions {
    const silences = this.services.flatMap((guard) =>
      guard.signs.silences(now).map((silence) => ({ guard, ...silence })),
    );
    const together = silences.filter((one) =>
      silences.some(
        (other) =>
          other.guard !== one.guard &&
          (one.isDue || other.isDue) &&
          Math.abs(msBetween(one.since, other.since)) <= Math.max(one.intervalMs, other.intervalMs),
      ),
    );
    const graced = new Set(together.map(({ guard }) => guard));
    const services = [...graced]
      .filter((guard) => guard.signs.grantGrace(now))
      .map(({ config }) => config.name);
    return services.length === 0 ? [] : [ownTrouble('together', null, services)];
  }

  #guarded(config: ServiceConfig): Guarded {
    const { random, dryRun } = this.#options;
    return { guard: new ServiceGuard(config, random, dryRun) };
  }
}

interface Change {
  readonly added: readonly string[];
  readonly removed: readonly string[];
  readonly changed: readonly string[];
  readonly revived: readonly string[];
}

function changeOf(guards: readonly ServiceGuard[], { services }: GuardConfig): Change {
  const before = new Map(guards.map((guard) => [guard.config.name, guard]));
  const names = services.map(({ name }) => name);
  const kept = services.flatMap((config) => {
    const guard = before.get(config.name);
    return guard === undefined ? [] : { guard, isSame: same(guard.config, config) };
  });
  return {
    added: names.filter((name) => !before.has(name)),
    removed: [...before.keys()].filter((name) => !names.includes(name)),
    changed: kept.filter(({ isSame }) => !isSame).map(({ guard }) => guard.config.name),
    revived: kept
      .filter(({ guard, isSame }) => isSame && OVER.includes(guard.state))
      .map(({ guard }) => guard.config.name),
  };
}

/** Plain data from one reader: its keys have one order. */
function same(one: ServiceConfig, other: ServiceConfig): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

const OVER: readonly ServiceState[] = ['gave-up', 'ended'];

function isLost(state: ServiceState, { onGiveUp }: ServiceConfig): boolean {
  return state === 'gave-up' && onGiveUp === 'exit';
}

function hasEnded({ state }: ServiceGuard): boolean {
  return state === 'ended';
}

function stepped(guard: ServiceGuard, input: ServiceInput, now: Instant): Actions {
  return guard.step(input, now).flatMap((action) => wrapped(guard, action));
}

function wrapped(guard: ServiceGuard, action: ServiceAction): Actions {
  // Told for all of them at once.
  if (action.kind === 'late') return [];
  if (action.kind !== 'tell') return [{ kind: 'do', service: guard, action }];
  return [{ kind: 'tell', event: { service: guard.config.name, ...action.news } }];
}

function lateness(late: ReadonlyMap<string, number>): Actions {
  if (late.size === 0) return [];
  return [ownTrouble('late', Math.max(...late.values()), [...late.keys()])];
}

function ownTrouble(
  kind: 'late' | 'together',
  lateMs: number | null,
  services: readonly string[],
): GuardianAction {
  return { kind: 'tell', event: { event: 'own-trouble', kind, lateMs, services } };
}
