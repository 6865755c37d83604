/**
 * Listening sockets that this process was started with: from its own previous version, or from a
 * supervisor (sd_listen_fds(3)). Variables that were meant for another process, and are only inherited,
 * name another process and count for nothing.
 */
import { withoutOwnWatchdogPid } from './supervisor.js';

export interface Inherited {
  /** The data port's first. */
  readonly descriptors: readonly number[];
  readonly from: 'predecessor' | 'supervisor';
}

/** Behind standard input, output and error. */
const FIRST_DESCRIPTOR = 3;

const PREDECESSOR = 'TCPALIVE_PREDECESSOR';
const PREDECESSOR_FDS = 'TCPALIVE_PREDECESSOR_FDS';

type Variables = Readonly<Record<string, string | undefined>>;

export function inheritedListeners(
  variables: Variables,
  { pid, ppid }: { readonly pid: number; readonly ppid: number },
): Inherited | undefined {
  // A spawner knows its own number, and not that of what it starts; a supervisor execs.
  if (variables[PREDECESSOR] === `${ppid}`) {
    return { descriptors: numbered(variables[PREDECESSOR_FDS]), from: 'predecessor' };
  }
  if (variables['LISTEN_PID'] === `${pid}`) {
    const descriptors = numbered(variables['LISTEN_FDS']);
    return descriptors.length === 0 ? undefined : { descriptors, from: 'supervisor' };
  }
  return undefined;
}

/** Why sockets that a supervisor has announced are not taken; undefined: it has announced none, or they are. */
export function notForUs(variables: Variables, pid: number): string | undefined {
  const { LISTEN_FDS: fds, LISTEN_PID: meant } = variables;
  if (fds === undefined) return undefined;
  if (meant === undefined) return `LISTEN_FDS ${fds} names no process in LISTEN_PID`;
  if (meant !== `${pid}`) return `LISTEN_PID ${meant} is another process`;
  return numbered(fds).length === 0 ? `LISTEN_FDS ${fds} is no number of sockets` : undefined;
}

/** What is said where there are more than are taken; undefined: there are not. */
export function unanswered({ descriptors }: Inherited, taken: number): string | undefined {
  if (descriptors.length <= taken) return undefined;
  const second = taken === 1 ? ', the second only for --status' : '';
  return (
    `of the ${descriptors.length} sockets in LISTEN_FDS ${taken} can be used${second}: ` +
    'whoever connects to another gets no answer'
  );
}

/** What the next version is to find: that many descriptors of ours. */
export function variablesForSuccessor(
  variables: Variables,
  pid: number,
  descriptors: number,
): Variables {
  const own = Object.entries(withoutOwnWatchdogPid(variables, pid)).filter(
    ([name]) => !name.startsWith('LISTEN_'),
  );
  return {
    ...Object.fromEntries(own),
    [PREDECESSOR]: `${pid}`,
    [PREDECESSOR_FDS]: `${descriptors}`,
  };
}

/** Of a hundred or more nobody could say what each is for. */
function numbered(count = ''): readonly number[] {
  const length = /^\d{1,2}$/.test(count) ? Number(count) : 0;
  return Array.from({ length }, (_, at) => FIRST_DESCRIPTOR + at);
}
