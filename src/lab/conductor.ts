/**
 * The process that runs an experiment and is its observer, in a private network namespace where one
 * can be had. It makes the namespace like the host, finds the engine, plans, runs, and ends its
 * peers; the command that started it only waits and prints.
 */
import { drops, faultKind, type Observer } from '../core/condition.js';
import type { Capabilities } from '../core/capabilities.js';
import type { ScenarioResult } from '../core/scenario-result.js';
import type { ComparisonEvent } from '../core/progress.js';
import type { ComparisonResult, DropEngine } from '../core/result.js';
import { planRow, type RowSpec } from '../core/row.js';
import { msBetween } from '../core/time.js';
import type { SysctlSetting } from '../core/sysctl.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { hostFacts } from '../kernel/host-facts.js';
import type { Kernel } from '../kernel/kernel.js';
import { runComparison } from './comparison.js';
import { interruptible } from '../kernel/interruption.js';
import { disturbance } from '../net/loop-delay.js';
import { startPeer, type Peer, type StartPeer } from './peer.js';
import { ScenarioRun, type ScenarioPlan } from './scenario-run.js';

export interface LabConditions {
  readonly namespace: 'private' | 'host';
  /** Why there is no private namespace; null when there is one, or none was wanted. */
  readonly namespaceRefusal: string | null;
  /** The host's own net.ipv4.tcp_*, to be copied into a private namespace. */
  readonly hostSysctls: readonly (readonly [string, string])[];
}

export interface ComparisonRequest {
  readonly conditions: LabConditions;
  readonly rows: readonly RowSpec[];
  readonly connections: number;
  readonly limitMs: number;
  readonly observer: Observer;
  readonly sysctls: readonly SysctlSetting[];
}

/**
 * Sizes of a namespace's own hash tables, read-only and of no consequence for any timer. What a
 * namespace does not have at all (tcp_mem, tcp_max_orphans) is one for the whole host and in force.
 */
const TABLE_SIZES = new Set(['tcp_ehash_entries', 'tcp_child_ehash_entries']);

export interface ScenarioRequest {
  readonly conditions: LabConditions;
  readonly plan: ScenarioPlan;
}

const TELL_EVERY_MS = 500;

export class Conductor {
  readonly #kernel: Kernel;
  readonly #bin: string;
  readonly #onEvent: (event: ComparisonEvent) => void;
  readonly #interruption = interruptible();

  constructor(kernel: Kernel, bin: string, onEvent: (event: ComparisonEvent) => void) {
    this.#kernel = kernel;
    this.#bin = bin;
    this.#onEvent = onEvent;
  }

  /** Ends what is running early; its result says `complete: false`. */
  interrupt(): void {
    this.#interruption.abort();
  }

  async compare(request: ComparisonRequest): Promise<ComparisonResult> {
    const startedAt = new Date();
    const started = monotonicNow();
    const notes = this.#prepare(request.conditions);
    this.#change(request.sysctls, request.conditions);
    const host = hostFacts(this.#kernel);
    const hz = host.hz ?? undefined;
    this.#refuseImpossible(request);
    const conditions = { ...request, sysctls: host.sysctl, hz };
    const rows = request.rows.map((row) => planRow(row, conditions));
    const engine = rows.some((row) => drops(row.fault)) ? this.#engine(request.conditions) : null;
    const outcome = await this.#withPeers((startPeer) =>
      runComparison(
        { kernel: this.#kernel, startPeer, interruption: this.#interruption.signal },
        { rows, connections: request.connections, engine, hz },
        this.#onEvent,
      ),
    );
    notes.push(...disturbance(outcome.loopDelayMs));
    return {
      schema: 'tcpalive/compare/1',
      complete: outcome.complete,
      startedAt: startedAt.toISOString(),
      durationMs: Math.round(msBetween(started, monotonicNow())),
      host,
      capabilities: this.#capabilities(request.conditions),
      namespace: request.conditions.namespace,
      limitMs: request.limitMs,
      loopDelayMs: outcome.loopDelayMs,
      notes,
      rows: outcome.rows,
    };
  }

  async play({ conditions, plan }: ScenarioRequest): Promise<ScenarioResult> {
    const startedAt = new Date();
    const started = monotonicNow();
    const notes = this.#prepare(conditions);
    const host = hostFacts(this.#kernel);
    const engine = plan.cuts ? this.#engine(conditions) : null;
    const rows = await this.#withPeers(async (startPeer) => {
      const runs = plan.modes.map(
        (mode) =>
          new ScenarioRun({
            plan,
            mode,
            engine,
            startPeer,
            kernel: this.#kernel,
            host: { sysctls: host.sysctl, hz: host.hz ?? undefined },
            interruption: this.#interruption.signal,
          }),
      );
      const tell = () =>
        this.#onEvent({ kind: 'stage', text: runs.map((run) => run.progress()).join('; ') });
      const telling = setInterval(tell, TELL_EVERY_MS);
      try {
        return await Promise.all(runs.map((run) => run.run()));
      } finally {
        clearInterval(telling);
      }
    });
    return {
      schema: 'tcpalive/scenario/1',
      complete: !this.#interruption.signal.aborted,
      startedAt: startedAt.toISOString(),
      durationMs: Math.round(msBetween(started, monotonicNow())),
      name: plan.name,
      story: plan.story,
      host,
      capabilities: this.#capabilities(conditions),
      namespace: conditions.namespace,
      notes,
      rows,
    };
  }

  #capabilities({ namespace }: LabConditions): Capabilities {
    return { ...this.#kernel.capabilities, namespace: namespace === 'private' };
  }

  /** Makes a fresh namespace like the host. @returns what the result must mention. */
  #prepare({ namespace, namespaceRefusal, hostSysctls }: LabConditions): string[] {
    const notes: string[] = [];
    if (namespaceRefusal !== null) {
      notes.push(
        `no private network namespace here (${namespaceRefusal}): on this host's loopback`,
      );
    }
    if (namespace === 'host') return notes;
    this.#kernel.bringLoopbackUp();
    const present = this.#kernel.tcpSysctls();
    const different = hostSysctls.filter(
      ([name, value]) =>
        present.has(name) &&
        present.get(name) !== value &&
        !this.#kernel.setSysctl(name, value) &&
        !TABLE_SIZES.has(name),
    );
    if (different.length > 0) {
      const names = different.map(([name]) => name).join(', ');
      notes.push(`not as on the host, because it cannot be copied: ${names}`);
    }
    return notes;
  }

  /** Only in a namespace of our own: nothing on the host changes. @throws TcpaliveError NO_CAPABILITY */
  #change(sysctls: readonly SysctlSetting[], { namespace, namespaceRefusal }: LabConditions): void {
    for (const { name, value } of sysctls) {
      const isSet =
        namespace === 'private' &&
        this.#kernel.setSysctl(name, String(value)) &&
        this.#kernel.tcpSysctls().get(name) === String(value);
      if (isSet) continue;
      const elsewhere =
        namespaceRefusal === null
          ? '--on-host changes nothing on the host'
          : `no private network namespace here (${namespaceRefusal})`;
      const why = namespace === 'private' ? 'this kernel does not take it' : elsewhere;
      throw new TcpaliveError('NO_CAPABILITY', `--sysctl ${name}=${value}: ${why}`, {
        hint: '--predict-only takes any setting anywhere; tcpalive doctor says what a namespace needs',
      });
    }
  }

  /** What only some capabilities can do. @throws TcpaliveError NO_CAPABILITY */
  #refuseImpossible({ rows }: ComparisonRequest): void {
    const { socketFilter, sockDiag, rtoMax } = this.#kernel.capabilities;
    if (!rtoMax && rows.some(({ mode }) => mode.rtoMaxMs !== undefined)) {
      throw new TcpaliveError('NO_CAPABILITY', 'rto-max takes Linux 6.15 or later, and koffi', {
        hint: '--predict-only predicts it anywhere',
      });
    }
    if (!socketFilter && rows.some(({ fault }) => faultKind(fault) === 'loss')) {
      throw new TcpaliveError('NO_CAPABILITY', 'random loss takes a socket filter', {
        hint: 'it takes a private network namespace (without --on-host) or CAP_NET_ADMIN: see tcpalive doctor',
      });
    }
    if (!sockDiag && rows.some(({ load }) => load === 'zero-window')) {
      throw new TcpaliveError('NO_CAPABILITY', 'a closed window can only be seen by sock_diag', {
        hint: 'see tcpalive doctor',
      });
    }
  }

  #engine({ namespaceRefusal }: LabConditions): DropEngine {
    const { socketFilter, minTtl } = this.#kernel.capabilities;
    if (socketFilter) return 'socket-filter';
    if (minTtl) return 'min-ttl';
    const why = namespaceRefusal === null ? '' : ` (${namespaceRefusal})`;
    throw new TcpaliveError('NO_CAPABILITY', `nothing here can drop a segment silently${why}`, {
      hint: 'it takes Linux with koffi, and a user namespace, CAP_NET_ADMIN or IP_MINTTL: see tcpalive doctor',
    });
  }

  async #withPeers<T>(run: (start: StartPeer) => Promise<T>): Promise<T> {
    const peers: Peer[] = [];
    try {
      return await run(async (onEvent) => {
        const peer = await startPeer(this.#bin, onEvent);
        peers.push(peer);
        return peer;
      });
    } finally {
      await Promise.all(peers.map((peer) => peer.end()));
    }
  }
}
