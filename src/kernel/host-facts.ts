import { release } from 'node:os';
import type { HostFacts } from '../core/result.js';
import { sysctlDefaults, type SysctlName, type Sysctls } from '../core/sysctl.js';
import type { Kernel } from './kernel.js';

/** What decides the predictions on this machine, in this network namespace. */
export function hostFacts(kernel: Kernel): HostFacts {
  const values = kernel.tcpSysctls();
  return {
    kernel: release(),
    node: process.versions.node,
    hz: kernel.ticksPerSecond() ?? null,
    congestionControl: values.get('tcp_congestion_control') ?? null,
    sysctl: sysctlsFrom(values),
  };
}

/** Linux's own defaults stand in for what cannot be read. */
function sysctlsFrom(values: ReadonlyMap<string, string>): Sysctls {
  const names = Object.keys(sysctlDefaults) as SysctlName[];
  const entries = names.map((name) => [name, Number(values.get(name) ?? sysctlDefaults[name])]);
  return Object.fromEntries(entries) as Sysctls;
}
