/** `compare`: a comparison in a process of its own, in a private namespace where one can be had. */
import { fileURLToPath } from 'node:url';
import type { Observer } from '../core/condition.js';
import type { ComparisonEvent } from '../core/progress.js';
import type { ComparisonResult } from '../core/result.js';
import type { RowSpec } from '../core/row.js';
import type { SysctlSetting } from '../core/sysctl.js';
import type { Scenario } from '../core/scenario.js';
import type { ScenarioResult } from '../core/scenario-result.js';
import { namespaceRefusal } from '../kernel/namespace.js';
import { openKernel } from '../kernel/open-kernel.js';
import { remote, type Remote } from './channel.js';
import type { Conductor, LabConditions } from './conductor.js';
import { endProcess, spawnLab } from './peer.js';

export interface LabOptions {
  /** Measure on this host's loopback even where a private namespace can be had. */
  readonly onHost?: boolean;
  readonly interruption?: AbortSignal;
  /** The program to start the lab's processes with; default: the bin beside this module. */
  readonly bin?: string;
  readonly onEvent?: (event: ComparisonEvent) => void;
}

export interface CompareOptions extends LabOptions {
  readonly rows: readonly RowSpec[];
  /** Connections in each row, and as many healthy twins. Default 20. */
  readonly connections?: number;
  /** The longest that a row is waited for after the drop. Default 15,000. */
  readonly limitMs?: number;
  /** The end that must notice. Default: the server. */
  readonly observer?: Observer;
  /** Kernel settings other than the host's, in a private network namespace. */
  readonly sysctls?: readonly SysctlSetting[];
}

/** @throws TcpaliveError NO_CAPABILITY where nothing can drop a segment; LAB_FAILED */
export function compare(options: CompareOptions): Promise<ComparisonResult> {
  return inLab(options, (conductor, conditions) =>
    conductor.compare({
      conditions,
      rows: options.rows,
      connections: options.connections ?? 20,
      limitMs: options.limitMs ?? 15_000,
      observer: options.observer ?? 'server',
      sysctls: options.sysctls ?? [],
    }),
  );
}

export interface PlayOptions extends LabOptions {
  readonly scenario: Scenario;
}

/** Plays a scenario at both ends, each of its modes on a server of its own, all at the same time. */
export function playScenario({ scenario, ...options }: PlayOptions): Promise<ScenarioResult> {
  const { name, story, modes, steps, cuts, expect } = scenario;
  const { replyDelayMs, descriptors = null } = scenario.server;
  const plan = { name, story, modes, steps, cuts, expect, server: { replyDelayMs, descriptors } };
  return inLab(options, (conductor, conditions) => conductor.play({ conditions, plan }));
}

/** Runs one experiment in a conductor process; whatever happens, that process and its peers end. */
async function inLab<Result>(
  { onHost = false, interruption, bin = besideThisModule(), onEvent }: LabOptions,
  run: (conductor: Remote<Conductor>, conditions: LabConditions) => Promise<Result>,
): Promise<Result> {
  const kernel = await openKernel();
  const refusal = onHost ? null : ((await namespaceRefusal()) ?? null);
  const isPrivate = !onHost && refusal === null;
  const child = spawnLab(bin, 'conductor', isPrivate);
  try {
    const conductor = remote<Conductor>(child, 'observer', (event) =>
      onEvent?.(event as ComparisonEvent),
    );
    // A conductor that has ended meanwhile has nothing left to interrupt.
    const interrupt = () => void conductor.interrupt(undefined).catch(() => undefined);
    interruption?.addEventListener('abort', interrupt, { once: true });
    if (interruption?.aborted === true) interrupt();
    return await run(conductor, {
      namespace: isPrivate ? 'private' : 'host',
      namespaceRefusal: refusal,
      hostSysctls: [...kernel.tcpSysctls()],
    });
  } finally {
    await endProcess(child);
  }
}

function besideThisModule(): string {
  return fileURLToPath(new URL('./cli.cjs', import.meta.url));
}
