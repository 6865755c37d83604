/**
 * The kernel settings that decide when a connection dies, `net.ipv4.*` in ip-sysctl.rst: what Linux
 * 6.18 starts with. Where the kernel behaves differently by version, one of these tells which it is.
 */
import { TcpaliveError } from '../errors.js';

export const sysctlDefaults = {
  tcp_keepalive_time: 7200,
  tcp_keepalive_intvl: 75,
  tcp_keepalive_probes: 9,
  tcp_retries2: 15,
  tcp_syn_retries: 6,
  tcp_syn_linear_timeouts: 4,
  tcp_rto_max_ms: 120_000,
} as const;

type SysctlName = keyof typeof sysctlDefaults;

export type Sysctls = Readonly<Record<SysctlName, number>>;

/** What a kernel without the setting does, as a value of it. */
const WHERE_ABSENT: Partial<Sysctls> = {
  tcp_syn_linear_timeouts: 0, // before 6.5
  tcp_rto_max_ms: 120_000, // before 6.15
};

/** From what a kernel tells; nothing at all: `sysctlDefaults`. */
export function sysctlsFrom(values: ReadonlyMap<string, string>): Sysctls {
  if (values.size === 0) return sysctlDefaults;
  const names = Object.keys(sysctlDefaults) as SysctlName[];
  const entries = names.map((name) => [
    name,
    Number(values.get(name) ?? WHERE_ABSENT[name] ?? sysctlDefaults[name]),
  ]);
  return Object.fromEntries(entries) as Sysctls;
}

/** `tcp_retries2=5`: those that are not as Linux starts with them. */
export function changedSysctls(sysctls: Sysctls): readonly string[] {
  return Object.entries(sysctlDefaults).flatMap(([name, value]) => {
    const actual = sysctls[name as SysctlName];
    return actual === value ? [] : [`${name}=${actual}`];
  });
}

export interface SysctlSetting {
  readonly name: SysctlName;
  readonly value: number;
}

/** What a socket option of the same meaning takes, and what the kernel's own tables take (sysctl_net_ipv4.c). */
const RANGES: Readonly<Record<SysctlName, readonly [number, number]>> = {
  tcp_keepalive_time: [1, 32_767],
  tcp_keepalive_intvl: [1, 32_767],
  tcp_keepalive_probes: [1, 127],
  tcp_retries2: [0, 255],
  tcp_syn_retries: [1, 127],
  tcp_syn_linear_timeouts: [0, 127],
  tcp_rto_max_ms: [1000, 120_000],
};

/** `tcp_retries2=5`, `net.ipv4.tcp_retries2=5`. @throws TcpaliveError BAD_USAGE */
export function parseSysctl(text: string): SysctlSetting {
  const [, name = '', digits = ''] = /^(?:net\.ipv4\.)?(\w+)=(\d+)$/.exec(text) ?? [];
  if (!Object.hasOwn(RANGES, name)) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `'${text}' is not NAME=NUMBER with one of ${Object.keys(RANGES).join(', ')}`,
    );
  }
  const known = name as SysctlName;
  const [min, max] = RANGES[known];
  const value = Number(digits);
  if (value < min || value > max) {
    throw new TcpaliveError('BAD_USAGE', `'${text}': ${known} takes ${min} to ${max}`);
  }
  return { name: known, value };
}

export function withSettings(sysctls: Sysctls, settings: readonly SysctlSetting[]): Sysctls {
  return { ...sysctls, ...Object.fromEntries(settings.map(({ name, value }) => [name, value])) };
}
