/** A guardian in virtual time: inputs at a moment, whatever is due before it first, and all that it did in words. */
import type { GuardEvent } from '../../../src/core/guard/guard-log.js';
import { Guardian, type GuardianAction } from '../../../src/core/guard/guardian.js';
import type { ServiceConfig } from '../../../src/core/guard/service-config.js';
import type { ServiceGuard } from '../../../src/core/guard/service-guard.js';
import type { ServiceInput } from '../../../src/core/guard/service-step.js';
import type { Sign, SignSource } from '../../../src/core/guard/sign.js';
import { instantAt } from '../../../src/core/time.js';

export interface Driven {
  readonly guardian: Guardian;
  /** Each returns what was told and what was to be done since the last, such as `0 web start!`. */
  at(ms: number): At;
}

interface At {
  begin(): readonly string[];
  /** @param name the first service where it is left out */
  input(input: ServiceInput, name?: string): readonly string[];
  hears(ear: string, sign?: Sign['kind'], name?: string): readonly string[];
  /** All that is due by then, each at its own moment. */
  passes(): readonly string[];
  /** One look at that moment, however late it is. */
  looks(): readonly string[];
  end(): readonly string[];
  reload(...services: readonly ServiceConfig[]): readonly string[];
}

export function drive(
  services: readonly ServiceConfig[],
  { random = 0, dryRun = false } = {},
): Driven {
  const guardian = new Guardian({ services }, { random: () => random, dryRun });
  let done: string[] = [];

  function take(actions: readonly GuardianAction[], ms: number): void {
    for (const action of actions) done.push(`${ms} ${inWords(action)}`);
  }
  function passUntil(ms: number): void {
    for (;;) {
      const due = guardian.nextDeadline();
      if (due === undefined || due > ms) return;
      take(guardian.tick(due), due);
    }
  }
  function seen(): readonly string[] {
    const all = done;
    done = [];
    return all;
  }
  function named(name?: string): ServiceGuard {
    const guard = guardian.services.find(
      ({ config }) => name === undefined || config.name === name,
    );
    if (guard === undefined) throw new Error(`no service ${name ?? ''}`);
    return guard;
  }
  return {
    guardian,
    at(ms) {
      const now = instantAt(ms);
      const after = (act: () => readonly GuardianAction[]) => {
        passUntil(ms);
        take(act(), ms);
        return seen();
      };
      return {
        begin: () => after(() => guardian.begin(now)),
        input: (input, name) => after(() => guardian.step(named(name), input, now)),
        hears: (ear, kind = 'alive', name) => {
          const sign = {
            kind,
            by: ear as SignSource,
            reason: 'it said no',
            pid: 77,
            ms: 20_000,
          } as Sign;
          return after(() => guardian.step(named(name), { kind: 'sign', ear, sign }, now));
        },
        passes: () => after(() => []),
        looks: () => {
          take(guardian.tick(now), ms);
          return seen();
        },
        end: () => after(() => guardian.end('SIGTERM', now)),
        reload: (...configs) => after(() => guardian.reload({ services: configs }, now)),
      };
    },
  };
}

export const STOPPED: ServiceInput = {
  kind: 'stopped',
  by: 'TERM',
  tookMs: 12,
  survivors: [],
  diagnosticFailed: undefined,
};

export function exited(code: number | null, signal: string | null = null): ServiceInput {
  return { kind: 'exited', code, signal };
}

export const GONE: ServiceInput = { ...STOPPED, by: 'already' };

function inWords(action: GuardianAction): string {
  if (action.kind === 'done') return 'done';
  if (action.kind === 'tell') return eventWords(action.event);
  const { service, action: todo } = action;
  const detail =
    todo.kind === 'stop' && todo.diagnose
      ? ' diagnose'
      : todo.kind === 'follow'
        ? ` ${todo.pid}`
        : todo.kind === 'extend'
          ? ` until ${todo.until}`
          : '';
  return `${service.config.name} ${todo.kind}!${detail}`;
}

function eventWords(event: GuardEvent): string {
  const { event: name, ...about } = event;
  const values = Object.entries(about).flatMap(([key, value]) => {
    if (key === 'service' || key === 'withinMs' || key === 'most') return [];
    return Array.isArray(value)
      ? [
          `${key}=${value.map((each) => (typeof each === 'object' ? JSON.stringify(each) : String(each))).join('+')}`,
        ]
      : [`${key}=${String(value)}`];
  });
  return [...('service' in event ? [event.service] : []), name, ...values].join(' ');
}
