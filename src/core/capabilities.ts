/** What this machine, with these rights, lets us do. Found by trying, once; data ever after. */
export const capabilityWords = {
  socketFilter: 'drop segments with a socket filter (SO_ATTACH_FILTER)',
  minTtl: 'drop segments with a minimum TTL (IP_MINTTL)',
  namespace: 'run in a private network namespace (unshare)',
  tcpInfo: 'read what the kernel knows of a connection (TCP_INFO)',
  keepaliveTuning: 'set the keepalive times of a socket (TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT)',
  userTimeout: 'set TCP_USER_TIMEOUT',
  rtoMax: 'set TCP_RTO_MAX_MS (Linux 6.15 and later)',
  sockDiag: "read a connection's timer (sock_diag)",
  sockDestroy: 'end a connection from outside (SOCK_DESTROY)',
  pidfd: "reach another process's sockets (pidfd_getfd)",
} as const;

export type CapabilityName = keyof typeof capabilityWords;

export type Capabilities = Readonly<Record<CapabilityName, boolean>>;

export const capabilityNames = Object.keys(capabilityWords) as readonly CapabilityName[];
