/**
 * One guarded service: what it is doing, what its signs of life mean, and what is done when they stay away.
 * Knows neither processes nor sockets: what is to be done is returned, and what came of it is the next input.
 *
 *     idle → launching → starting → alive ⇄ dead (only told)
 *                ↑           └────────┴──→ stopping → waiting → launching, or acting for what is no child
 *                └── start-failed ────────────────────↑    ↘ gave-up, ended
 */
import { addMs, earliest, msBetween, type Instant } from '../time.js';
import type { ServiceNews } from './guard-log.js';
import { RestartPolicy } from './restart-policy.js';
import type { ServiceConfig } from './service-config.js';
import type { Down, ServiceAction, ServiceInput, ServiceState } from './service-step.js';
import type { Sign } from './sign.js';
import { SignsOfLife, type Death } from './signs-of-life.js';

/** What comes once a wait is over. */
type Next = 'start' | 'stop' | 'act';

export class ServiceGuard {
  readonly config: ServiceConfig;
  readonly #random: () => number;
  readonly #onlyTells: boolean;
  readonly #policy: RestartPolicy;
  readonly #signs: SignsOfLife;
  #state: ServiceState = 'idle';
  #since: Instant | undefined;
  #pid: number | undefined;
  #wait: { readonly next: Next; readonly until: Instant } | undefined;
  #isEnding = false;
  #endedWell = false;
  #hasGivenUp = false;
  #lastDown: Down | undefined;
  #restarts = 0;

  /**
   * @param random 0 to 1, for the back-off
   * @param dryRun what would be done about a dead one is only told
   */
  constructor(config: ServiceConfig, random: () => number, dryRun = false) {
    this.config = config;
    this.#random = random;
    this.#onlyTells = dryRun || config.onDead === 'report';
    this.#policy = new RestartPolicy(config.restarts, config.backOff);
    this.#signs = new SignsOfLife(config);
  }

  get state(): ServiceState {
    return this.#state;
  }

  /** Its signs of life mean something: somebody is to listen. */
  get isWatched(): boolean {
    return WATCHED.includes(this.#state);
  }

  /** Of the main process; undefined: there is none. */
  get pid(): number | undefined {
    return this.#pid;
  }

  /** Since when it is in its state; undefined: it never began. */
  get since(): Instant | undefined {
    return this.#since;
  }

  /** In all. */
  get restarts(): number {
    return this.#restarts;
  }

  /** Why it was started again, or is down; undefined: it never was. */
  get lastDown(): Down | undefined {
    return this.#lastDown;
  }

  /** Also once it has been stopped since. */
  get hasGivenUp(): boolean {
    return this.#hasGivenUp;
  }

  get signs(): SignsOfLife {
    return this.#signs;
  }

  nextDeadline(): Instant | undefined {
    return earliest(this.#wait?.until, this.#signs.nextDeadline());
  }

  step(input: ServiceInput, now: Instant): readonly ServiceAction[] {
    switch (input.kind) {
      case 'begin':
        return this.#begin(now);
      case 'started':
        return this.#started(input.pid, now);
      case 'start-failed': {
        const { code, reason } = input;
        this.#lastDown = { kind: 'start-failed', reason };
        return [tell({ event: 'start-failed', code, reason }), ...this.#again('start', now)];
      }
      case 'sign':
        return this.#heard(input.ear, input.sign, now);
      case 'followed':
        return this.#followed(input.pid, input.refusal);
      case 'exited':
        return this.#exited(input, now);
      case 'stopped':
        return this.#stopped(input, now);
      case 'acted':
        return this.#acted(input.failure, now);
      case 'tick':
        return this.#tick(now);
      case 'retire':
        this.#isEnding = true;
        return STARTED_NEXT.includes(this.#state) ? this.#end(now) : [];
      case 'end':
        return this.#end(now);
    }
  }

  #begin(now: Instant): readonly ServiceAction[] {
    if (this.config.command === undefined) return this.#watchFromNow(now);
    this.#enter('launching', now);
    return [{ kind: 'start' }];
  }

  #started(pid: number, now: Instant): readonly ServiceAction[] {
    this.#pid = pid;
    const news = tell({ event: 'started', pid });
    return this.#isEnding ? [news, this.#stop(false, now)] : [news, ...this.#watchFromNow(now)];
  }

  #heard(ear: string, sign: Sign, now: Instant): readonly ServiceAction[] {
    if (this.#state === 'stopping' && sign.kind === 'extend') {
      const last = addMs(this.#since ?? now, MOST_STOP_MS);
      const until = addMs(now, sign.ms);
      return [{ kind: 'extend', until: until < last ? until : last }];
    }
    if (!this.isWatched) return [];
    const heard = this.#signs.hear(ear, sign, now);
    switch (heard.kind) {
      case 'nothing':
        return [];
      case 'alive':
        return this.#aliveOnceAllAreThere(now);
      case 'failed':
        return [tell({ event: 'failed', by: ear, reason: heard.reason })];
      case 'dead':
        return this.#dead(heard, now);
      case 'main-pid':
        return heard.pid === this.#pid ? [] : [{ kind: 'follow', pid: heard.pid }];
    }
  }

  #aliveOnceAllAreThere(now: Instant): readonly ServiceAction[] {
    if (this.#state === 'alive' || !this.#signs.areThere) return [];
    const afterMs = msBetween(this.#since ?? now, now);
    this.#enter('alive', now);
    return [tell({ event: 'alive', afterMs, watched: this.#signs.areAsked })];
  }

  #followed(pid: number, refusal: string | undefined): readonly ServiceAction[] {
    if (refusal !== undefined) {
      return [tell({ event: 'follow-refused', pid, reason: refusal })];
    }
    this.#pid = pid;
    return [tell({ event: 'follows', pid })];
  }

  #exited({ code, signal }: Exit, now: Instant): readonly ServiceAction[] {
    const pid = this.#pid ?? 0;
    this.#pid = undefined;
    const news = tell({ event: 'exited', pid, code, signal });
    // While it is being stopped this is what was wanted.
    if (this.#state === 'stopping') return [news];
    this.#lastDown = { kind: 'exited', code, signal };
    this.#endedWell = code === 0 && this.config.onExit !== 'always';
    return [news, this.#stop(false, now)];
  }

  #stopped(
    { by, tookMs, survivors, diagnosticFailed }: Stopped,
    now: Instant,
  ): readonly ServiceAction[] {
    this.#pid = undefined;
    const news = [
      ...(diagnosticFailed === undefined
        ? []
        : [tell({ event: 'diagnostic-failed', reason: diagnosticFailed })]),
      // What ended by itself and left nobody behind needs no word.
      ...(by === 'already' ? [] : [tell({ event: 'stopped', by, tookMs })]),
      ...(survivors.length === 0 ? [] : [tell({ event: 'survivors', processes: survivors })]),
    ];
    if (this.#isEnding) return [...news, ...this.#ended('stopped', now)];
    if (survivors.length > 0) return [...news, ...this.#again('stop', now)];
    if (this.#endedWell) return [...news, ...this.#ended('exit 0', now)];
    return [...news, ...this.#again('start', now)];
  }

  #acted(failure: string | undefined, now: Instant): readonly ServiceAction[] {
    if (this.#isEnding) return this.#ended('stopped', now);
    if (failure !== undefined) {
      return [tell({ event: 'call-failed', reason: failure }), ...this.#again('act', now)];
    }
    return this.#watchFromNow(now);
  }

  #tick(now: Instant): readonly ServiceAction[] {
    const { until, next } = this.#wait ?? {};
    if (until !== undefined && now >= until) {
      this.#wait = undefined;
      if (next === 'stop') return [this.#stop(false, now)];
      this.#restarts++;
      this.#enter(next === 'start' ? 'launching' : 'acting', now);
      return [{ kind: next === 'start' ? 'start' : 'act' }];
    }
    const finding = this.#signs.tick(now);
    switch (finding.kind) {
      case 'fine':
        return [];
      case 'late':
        return [finding];
      case 'dead':
        return this.#dead(finding, now);
    }
  }

  #dead(death: Death, now: Instant): readonly ServiceAction[] {
    const { by, silentMs, starting, reason } = death;
    const action = this.#onlyTells ? 'none' : 'restart';
    this.#lastDown = { kind: 'dead', by, reason: reason ?? null };
    const news = tell({
      event: 'dead',
      by,
      silentMs,
      starting,
      reason: reason ?? null,
      action,
    });
    if (this.#onlyTells) {
      this.#enter('dead', now);
      return [news];
    }
    if (this.config.command !== undefined) return [news, this.#stop(true, now)];
    this.#signs.rest();
    return [news, ...this.#again('act', now)];
  }

  #end(now: Instant): readonly ServiceAction[] {
    this.#isEnding = true;
    switch (this.#state) {
      case 'launching':
      case 'stopping':
      case 'acting':
        return [];
      case 'starting':
      case 'alive':
      case 'dead':
        if (this.config.command === undefined) return this.#ended('stopped', now);
        return [this.#stop(false, now)];
      case 'waiting':
        if (this.#wait?.next === 'stop') return [this.#stop(false, now)];
        return this.#ended('stopped', now);
      case 'idle':
        return this.#ended('stopped', now);
      case 'gave-up':
        this.#enter('ended', now);
        return [];
      case 'ended':
        return [];
    }
  }

  #again(next: Next, now: Instant): readonly ServiceAction[] {
    if (this.#isEnding) return this.#ended('stopped', now);
    if (this.#onlyTells) {
      this.#hasGivenUp = true;
      return this.#ended('nothing is done about it', now);
    }
    const { most, withinMs } = this.config.restarts;
    const decision = this.#policy.next(this.#random(), now);
    if (decision.kind === 'give-up') {
      this.#hasGivenUp = true;
      this.#enter('gave-up', now);
      const then = this.config.onGiveUp;
      return [tell({ event: 'gave-up', restarts: most, withinMs, then })];
    }
    const { at, restart } = decision;
    this.#enter('waiting', now);
    this.#wait = { next, until: at };
    const inMs = msBetween(now, at);
    return [tell({ event: 'restarting', inMs, restart, most, withinMs })];
  }

  #watchFromNow(now: Instant): readonly ServiceAction[] {
    this.#signs.expect(now);
    this.#enter('starting', now);
    return this.#aliveOnceAllAreThere(now);
  }

  #stop(diagnose: boolean, now: Instant): ServiceAction {
    this.#signs.rest();
    this.#wait = undefined;
    this.#enter('stopping', now);
    return { kind: 'stop', diagnose };
  }

  #ended(reason: string, now: Instant): readonly ServiceAction[] {
    this.#signs.rest();
    this.#wait = undefined;
    this.#enter('ended', now);
    return [tell({ event: 'ended', reason })];
  }

  #enter(state: ServiceState, now: Instant): void {
    this.#state = state;
    this.#since = now;
  }
}

type Exit = Extract<ServiceInput, { readonly kind: 'exited' }>;
type Stopped = Extract<ServiceInput, { readonly kind: 'stopped' }>;

/** However often it asks for more: nobody waits longer for who writes back what it has. */
const MOST_STOP_MS = 600_000;

/** In which nothing of it runs. */
const STARTED_NEXT: readonly ServiceState[] = ['idle', 'waiting', 'gave-up'];

const WATCHED: readonly ServiceState[] = ['starting', 'alive', 'dead'];

function tell(news: ServiceNews): ServiceAction {
  return { kind: 'tell', news };
}
