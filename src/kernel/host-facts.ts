import { platform, release } from 'node:os';
import type { Timekeeper } from '../core/fate-model.js';
import type { HostFacts } from '../core/result.js';
import type { SurveyHost } from '../core/survey.js';
import { sysctlDefaults, sysctlsFrom } from '../core/sysctl.js';
import type { Kernel } from './kernel.js';
import { bootId, tcpSysctls, ticksPerSecond } from './linux/proc.js';

/** All that a prediction asks for: the other hundred need not be read. */
const DECISIVE: readonly string[] = [...Object.keys(sysctlDefaults), 'tcp_congestion_control'];

/** What decides the predictions on this machine, in this network namespace. */
export function hostFacts(kernel: Kernel): HostFacts {
  return factsFrom(kernel.tcpSysctls(), kernel.ticksPerSecond());
}

/** The same from files alone: nothing is loaded or tried, and it works where no capability is present. */
export function hostFactsFromFiles(): HostFacts {
  return platform() === 'linux'
    ? factsFrom(tcpSysctls(DECISIVE), ticksPerSecond())
    : factsFrom(new Map(), undefined);
}

function factsFrom(values: ReadonlyMap<string, string>, hz: number | undefined): HostFacts {
  return {
    kernel: release(),
    node: process.versions.node,
    hz: hz ?? null,
    congestionControl: values.get('tcp_congestion_control') ?? null,
    sysctl: sysctlsFrom(values),
  };
}

/** Who tells, where no prediction is asked for. */
export function surveyHost(kernel: Kernel): SurveyHost {
  return { kernel: release(), hz: kernel.ticksPerSecond() ?? null };
}

/** Names this run of the machine: socket cookies and process numbers start again with the next. */
export function thisBoot(): string | null {
  return (platform() === 'linux' ? bootId() : undefined) ?? null;
}

/** What keeps the timers of this network namespace, for the fates of its connections. */
export function timekeeper(kernel: Kernel): Timekeeper {
  const others = ['tcp_orphan_retries', 'tcp_synack_retries'];
  const values = platform() === 'linux' ? tcpSysctls([...DECISIVE, ...others]) : new Map();
  return timekeeperFrom(values, kernel.ticksPerSecond());
}

/** tcp_synack_retries of ip-sysctl.rst. */
const SYNACK_RETRIES = 5;

function timekeeperFrom(values: ReadonlyMap<string, string>, hz: number | undefined): Timekeeper {
  return {
    sysctls: sysctlsFrom(values),
    orphanRetries: Number(values.get('tcp_orphan_retries') ?? 0),
    synackRetries: Number(values.get('tcp_synack_retries') ?? SYNACK_RETRIES),
    hz,
  };
}
