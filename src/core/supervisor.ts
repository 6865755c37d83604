/** What a supervisor that speaks systemd's protocol has put into the environment (sd_notify(3), sd_watchdog_enabled(3)). */
export interface Supervised {
  /** Of a datagram socket: a path, or `@` and an abstract name. */
  readonly address: string;
  /** So often it wants to hear of us, at least; undefined: it does not, or not of this process. */
  readonly watchdogMs: number | undefined;
}

type Variables = Readonly<Record<string, string | undefined>>;

const WATCHDOG_PID = 'WATCHDOG_PID';

/** Undefined: nobody listens, or at another kind of address, such as of the hypervisor. */
export function supervisedBy(variables: Variables, pid: number): Supervised | undefined {
  const address = variables['NOTIFY_SOCKET'];
  if (address === undefined || !/^[/@]./.test(address)) return undefined;
  const meant = variables[WATCHDOG_PID];
  const microseconds = /^\d{1,15}$/.exec(variables['WATCHDOG_USEC'] ?? '')?.[0];
  const isAsked = Number(microseconds ?? 0) > 0 && (meant === undefined || meant === `${pid}`);
  return { address, watchdogMs: isAsked ? Number(microseconds) / 1000 : undefined };
}

/** Whoever comes after this process is asked where this one is, under a number that nobody knows yet. */
export function withoutOwnWatchdogPid(variables: Variables, pid: number): Variables {
  if (variables[WATCHDOG_PID] !== `${pid}`) return variables;
  return Object.fromEntries(Object.entries(variables).filter(([name]) => name !== WATCHDOG_PID));
}
