import { platform, release } from 'node:os';
import type { HostFacts } from '../core/result.js';
import { sysctlDefaults, sysctlsFrom } from '../core/sysctl.js';
import type { Kernel } from './kernel.js';
import { tcpSysctls, ticksPerSecond } from './linux/proc.js';

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
