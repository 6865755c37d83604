/** The kernel settings that decide when a connection dies, `net.ipv4.*` in ip-sysctl.rst. */
export const sysctlDefaults = {
  tcp_keepalive_time: 7200,
  tcp_keepalive_intvl: 75,
  tcp_keepalive_probes: 9,
  tcp_retries2: 15,
} as const;

export type SysctlName = keyof typeof sysctlDefaults;

export type Sysctls = Readonly<Record<SysctlName, number>>;
