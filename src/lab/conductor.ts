/**
 * The process that runs an experiment and is its observer, in a private network namespace where one
 * can be had. It makes the namespace like the host, finds the engine, plans, runs, and ends its
 * peers; the command that started it only waits and prints.
 */
import { release } from 'node:os';
import type { Observer } from '../core/condition.js';
import type { ComparisonEvent } from '../core/progress.js';
import type { ComparisonResult, DropEngine, HostFacts } from '../core/result.js';
import { planRow, type RowSpec } from '../core/row.js';
import { sysctlDefaults, type SysctlName, type Sysctls } from '../core/sysctl.js';
import { TcpaliveError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import { runComparison } from './comparison.js';
import { interruptible } from '../net/interruption.js';
import { startPeer, type Peer } from './peer.js';

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
}

/** Sizes of a namespace's own hash tables, read-only and of no consequence for any timer. */
const TABLE_SIZES = new Set(['tcp_ehash_entries', 'tcp_child_ehash_entries']);

/** A loop delay above this could change a figure in its second decimal: the result says so. */
const DISTURBING_MS = 25;

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
    this.#interruption.interrupt();
  }

  async compare(request: ComparisonRequest): Promise<ComparisonResult> {
    const startedAt = new Date();
    const notes = this.#prepare(request.conditions);
    const host = this.#hostFacts();
    const hz = host.hz ?? undefined;
    const conditions = { ...request, sysctls: host.sysctl, hz };
    const rows = request.rows.map((row) => planRow(row, conditions));
    const engine = rows.some((row) => row.fault === 'blackhole') ? this.#engine(request) : null;
    const outcome = await this.#withPeers((startPeer) =>
      runComparison(
        { kernel: this.#kernel, startPeer, interruption: this.#interruption },
        { rows, connections: request.connections, observer: request.observer, engine, hz },
        this.#onEvent,
      ),
    );
    if (outcome.loopDelayMs.max > DISTURBING_MS) {
      notes.push(
        `the observer's own event loop was up to ${Math.round(outcome.loopDelayMs.max)} ms late: ` +
          'a figure may be that much too long',
      );
    }
    return {
      schema: 'tcpalive/compare/1',
      complete: outcome.complete,
      startedAt: startedAt.toISOString(),
      durationMs: Date.now() - startedAt.getTime(),
      host,
      capabilities: {
        ...this.#kernel.capabilities,
        namespace: request.conditions.namespace === 'private',
      },
      namespace: request.conditions.namespace,
      limitMs: request.limitMs,
      loopDelayMs: outcome.loopDelayMs,
      notes,
      rows: outcome.rows,
    };
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

  #hostFacts(): HostFacts {
    const values = this.#kernel.tcpSysctls();
    return {
      kernel: release(),
      node: process.versions.node,
      hz: this.#kernel.ticksPerSecond() ?? null,
      congestionControl: values.get('tcp_congestion_control') ?? null,
      sysctl: sysctlsFrom(values),
    };
  }

  #engine({ conditions }: { readonly conditions: LabConditions }): DropEngine {
    const { socketFilter, minTtl } = this.#kernel.capabilities;
    if (socketFilter) return 'socket-filter';
    if (minTtl) return 'min-ttl';
    const why = conditions.namespaceRefusal === null ? '' : ` (${conditions.namespaceRefusal})`;
    throw new TcpaliveError('NO_CAPABILITY', `nothing here can drop a segment silently${why}`, {
      hint: 'it takes Linux with koffi, and a user namespace, CAP_NET_ADMIN or IP_MINTTL: see tcpalive doctor',
    });
  }

  async #withPeers<T>(run: (startOne: () => Promise<Peer>) => Promise<T>): Promise<T> {
    const peers: Peer[] = [];
    try {
      return await run(async () => {
        const peer = await startPeer(this.#bin);
        peers.push(peer);
        return peer;
      });
    } finally {
      await Promise.all(peers.map((peer) => peer.end()));
    }
  }
}

function sysctlsFrom(values: ReadonlyMap<string, string>): Sysctls {
  const names = Object.keys(sysctlDefaults) as SysctlName[];
  const entries = names.map((name) => [name, Number(values.get(name) ?? sysctlDefaults[name])]);
  return Object.fromEntries(entries) as Sysctls;
}
