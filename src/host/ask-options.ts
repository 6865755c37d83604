/** What an ask sets on a socket for as long as it takes, and how it is put back, also by a later ask. */
import type { Kernel } from '../kernel/kernel.js';
import type { OptionValues } from '../kernel/socket-view.js';
import { sameValues } from './undo.js';

/**
 * One probe, then none for nine hours, and no verdict: the most that the options take. Without a user
 * timeout: with one, the kernel ends a connection that has left a single probe unanswered before
 * (tcp_keepalive_timer, net/ipv4/tcp_timer.c), and that of the last ask still counts.
 */
export const ASKING: OptionValues = {
  keepalive: true,
  idleSeconds: 1,
  intervalSeconds: 32_767,
  count: 127,
  userTimeoutMs: 0,
};

/** So many probes may stay unanswered, over all asks, before one more ends the connection. */
export const MOST_PROBES = ASKING.count;

/** What the program has set meanwhile is its own and stays. @returns whether anything was put back */
export function putBack(kernel: Kernel, fd: number, before: OptionValues): boolean {
  const now = kernel.optionValues(fd);
  const values = valuesToPutBack(now, before);
  if (sameValues(now, values)) return false;
  kernel.setOptionValues(fd, values);
  return true;
}

export function valuesToPutBack(now: OptionValues, before: OptionValues): OptionValues {
  const isForeign = TIMES.some((name) => now[name] !== ASKING[name] && now[name] !== before[name]);
  // An interval of nine hours, or 127 probes, is nobody else's.
  const isOurs = now.intervalSeconds === ASKING.intervalSeconds || now.count === ASKING.count;
  const timeOf = (name: (typeof TIMES)[number]) =>
    now[name] === ASKING[name] ? before[name] : now[name];
  return {
    keepalive: isOurs && !isForeign ? before.keepalive : now.keepalive,
    idleSeconds: timeOf('idleSeconds'),
    intervalSeconds: timeOf('intervalSeconds'),
    count: timeOf('count'),
    userTimeoutMs:
      now.userTimeoutMs === ASKING.userTimeoutMs ? before.userTimeoutMs : now.userTimeoutMs,
  };
}

const TIMES = ['idleSeconds', 'intervalSeconds', 'count'] as const;
