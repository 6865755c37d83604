/**
 * All by which one service is alive: each kind of sign has a watch of its own, and one that falls silent is
 * enough to be dead, whatever the others say: a main loop that beats says nothing of a worker that hangs.
 */
import { addMs, earliest, msBetween, type Instant } from '../time.js';
import type { ServiceConfig } from './service-config.js';
import type { Sign } from './sign.js';
import { Watch, type Silence } from './watch.js';

export type Heard =
  | { readonly kind: 'nothing' | 'alive' }
  /** For the first time since it was alive by that. */
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'main-pid'; readonly pid: number }
  | Death;

export type Finding =
  | { readonly kind: 'fine' }
  /** We looked so late that silences are counted anew. */
  | { readonly kind: 'late'; readonly lateMs: number }
  | Death;

export interface Death {
  readonly kind: 'dead';
  /** `beats`, `systemd`, or the address of a check. */
  readonly by: string;
  readonly silentMs: number;
  /** The first sign never came. */
  readonly starting: boolean;
  /** The last failure; undefined: it was only silent. */
  readonly reason: string | undefined;
}

/** A client that has lost its connection is back by then. */
const RECONNECT_MS = 1000;

const NOTHING: Heard = { kind: 'nothing' };

export class SignsOfLife {
  readonly #config: ServiceConfig;
  readonly #watches: ReadonlyMap<string, Watch>;
  /** How each failed last, since the service was alive by it. */
  readonly #failures = new Map<string, string>();
  readonly #deadBy = new Set<string>();
  /** It has said that it stops, and is to be gone by then. */
  #stopping: { readonly since: Instant; readonly goneBy: Instant } | undefined;

  constructor(config: ServiceConfig) {
    this.#config = config;
    const { timeoutMs, checks } = config;
    this.#watches = new Map([
      ['beats', new Watch({ timeoutMs })],
      ['systemd', new Watch({ timeoutMs })],
      ...checks.map(
        ({ text, intervalMs }) => [text, new Watch({ timeoutMs, intervalMs })] as const,
      ),
    ]);
  }

  /** By `beats`, `systemd` and the addresses of its checks. */
  get watches(): ReadonlyMap<string, Watch> {
    return this.#watches;
  }

  /** All that had to be heard since it started has been, and nothing is silent. */
  get areThere(): boolean {
    if (this.#deadBy.size > 0) return false;
    return [...this.#watches.values()].every((watch) => !watch.isAwaited);
  }

  /** It has to give one, or has begun to. */
  get areAsked(): boolean {
    const { aliveBy, checks } = this.#config;
    const isHeard = [...this.#watches.values()].some(({ lastSign }) => lastSign !== undefined);
    return aliveBy.length + checks.length > 0 || isHeard;
  }

  nextDeadline(): Instant | undefined {
    let first = this.#stopping?.goneBy;
    for (const watch of this.#watches.values()) first = earliest(first, watch.nextDeadline());
    return first;
  }

  /** It has started just now. */
  expect(now: Instant): void {
    this.rest();
    const { aliveBy, checks, startTimeoutMs } = this.#config;
    for (const ear of [...aliveBy, ...checks.map(({ text }) => text)]) {
      this.#watches.get(ear)?.expect(startTimeoutMs, now);
    }
  }

  /** Nothing is expected. */
  rest(): void {
    for (const watch of this.#watches.values()) watch.rest();
    this.#failures.clear();
    this.#deadBy.clear();
    this.#stopping = undefined;
  }

  hear(ear: string, sign: Sign, now: Instant): Heard {
    const watch = this.#watches.get(ear);
    if (watch === undefined) return NOTHING;
    switch (sign.kind) {
      case 'ready':
        // A program that says no more than this is not judged by what it never began.
        if (ear === 'systemd' && !this.#config.aliveBy.includes(ear)) return NOTHING;
        return this.#alive(ear, watch, now);
      case 'alive':
        return this.#alive(ear, watch, now);
      case 'failed':
        if (ear === 'systemd') return this.#triggered(ear, watch, sign.reason, now);
        if (ear === 'beats') watch.hasten(RECONNECT_MS, now);
        return this.#failed(ear, watch, sign.reason);
      case 'stopping':
        this.#stops(ear, watch, now);
        return NOTHING;
      case 'main-pid':
        return { kind: 'main-pid', pid: sign.pid };
      case 'extend':
        this.#extend(sign.ms, now);
        return NOTHING;
      case 'registered':
        watch.agree(sign.timeoutMs, now);
        return NOTHING;
    }
  }

  tick(now: Instant): Finding {
    if (this.#stopping !== undefined && now >= this.#stopping.goneBy) {
      const silentMs = msBetween(this.#stopping.since, now);
      const reason = 'it said that it stops, and did not';
      this.#stopping = undefined;
      return { kind: 'dead', by: 'systemd', silentMs, starting: false, reason };
    }
    let lateMs = 0;
    for (const [by, watch] of this.#watches) {
      const verdict = watch.tick(now);
      if (verdict.kind === 'late') lateMs = Math.max(lateMs, verdict.lateMs);
      if (verdict.kind !== 'dead') continue;
      this.#deadBy.add(by);
      const { silentMs } = verdict;
      const starting = watch.lastSign === undefined;
      return { kind: 'dead', by, silentMs, starting, reason: this.#failures.get(by) };
    }
    return lateMs > 0 ? { kind: 'late', lateMs } : { kind: 'fine' };
  }

  /** What has been heard before, and not for half of its time. */
  silences(now: Instant): readonly Silence[] {
    return [...this.#watches.values()].flatMap((watch) => watch.silence(now) ?? []);
  }

  /** Silences are counted anew; false: there is none, or it was done in each of them before. */
  grantGrace(now: Instant): boolean {
    const granted = [...this.#watches.values()].map((watch) => watch.grantGrace(now));
    return granted.includes(true);
  }

  #alive(ear: string, watch: Watch, now: Instant): Heard {
    watch.heard(now);
    this.#failures.delete(ear);
    this.#deadBy.delete(ear);
    return { kind: 'alive' };
  }

  /** WATCHDOG=trigger: as if its time were over (sd_notify(3)). */
  #triggered(by: string, watch: Watch, reason: string, now: Instant): Heard {
    if (this.#deadBy.has(by)) return NOTHING;
    const { lastSign } = watch;
    watch.rest();
    this.#deadBy.add(by);
    const silentMs = msBetween(lastSign ?? now, now);
    return { kind: 'dead', by, silentMs, starting: false, reason };
  }

  #failed(ear: string, watch: Watch, reason: string): Heard {
    const isFirst = !this.#failures.has(ear);
    this.#failures.set(ear, reason);
    // What starts does not answer yet.
    return isFirst && !watch.isAwaited ? { kind: 'failed', reason } : NOTHING;
  }

  /** A process that stops does so as a whole; a client that beats no more may go on with something else. */
  #stops(ear: string, watch: Watch, now: Instant): void {
    if (ear !== 'systemd') {
      watch.rest();
      return;
    }
    for (const each of this.#watches.values()) each.rest();
    this.#stopping = { since: now, goneBy: addMs(now, this.#config.stopTimeoutMs) };
  }

  #extend(ms: number, now: Instant): void {
    if (this.#stopping !== undefined) {
      const { since, goneBy } = this.#stopping;
      const asked = addMs(now, ms);
      this.#stopping = { since, goneBy: asked > goneBy ? asked : goneBy };
    }
    for (const watch of this.#watches.values()) {
      if (watch.isAwaited) watch.extend(ms, now);
    }
  }
}
