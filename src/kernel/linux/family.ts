/** Processes that belong together: who is whose, how a child ended, and signals that reach no stranger. */
import { constants } from 'node:os';
import { KernelRefusal } from '../kernel.js';
import type { HeldProcess, Kin, ProcessEnd } from '../process-view.js';
import type { Libc } from './libc.js';
import { PIDFD_OPEN, processIds, processStat, tryList, tryRead } from './processes.js';

const PIDFD_SEND_SIGNAL = 424;
/** linux/pidfd.h */
const PIDFD_SIGNAL_PROCESS_GROUP = 4;
const ESRCH = 3;
const EINVAL = 22;

export function kinOf(pid: number): Kin | undefined {
  const stat = processStat(pid);
  if (stat === undefined) return undefined;
  const [state, parentPid, groupId, sessionId] = stat.fields;
  return {
    name: stat.name,
    parentPid: Number(parentPid),
    groupId: Number(groupId),
    sessionId: Number(sessionId),
    startedAtTicks: Number(stat.fields[19]),
    hasEnded: state === 'Z' || state === 'X',
  };
}

export function variableOf(pid: number, name: string): string | undefined {
  const environment = tryRead(`/proc/${pid}/environ`);
  if (environment === undefined) return undefined;
  const prefix = `${name}=`;
  const found = environment.split('\0').find((each) => each.startsWith(prefix));
  return found?.slice(prefix.length);
}

export function holdProcess(libc: Libc, pid: number): HeldProcess | undefined {
  let fd = -1;
  // EINVAL: it is a thread's number by now, or none.
  const isThere = unless([ESRCH, EINVAL], () => {
    fd = libc.syscall('pidfd_open', PIDFD_OPEN, pid, 0);
  });
  if (!isThere) return undefined;
  let isHeld = true;
  const send = (name: NodeJS.Signals, flags: number) =>
    libc.syscall('pidfd_send_signal', PIDFD_SEND_SIGNAL, fd, constants.signals[name], 0, flags);
  return {
    hasEnded: () => libc.isReadable(fd),
    signal: (name) => unless([ESRCH], () => send(name, 0)),
    signalGroup: (name) => unless([ESRCH, EINVAL], () => send(name, PIDFD_SIGNAL_PROCESS_GROUP)),
    release() {
      if (isHeld) libc.close(fd);
      isHeld = false;
    },
  };
}

/** Whether it went well; whatever else is refused is thrown. */
function unless(errors: readonly number[], call: () => unknown): boolean {
  try {
    call();
    return true;
  } catch (error) {
    if (error instanceof KernelRefusal && errors.includes(error.errno)) return false;
    throw error;
  }
}

/** proc_pid_task(5): a thread's own; where the kernel does not list them, everybody is asked. */
export function children(): readonly number[] {
  const lists = tryList('/proc/self/task').map((tid) => tryRead(`/proc/self/task/${tid}/children`));
  if (lists.every((list) => list === undefined)) {
    return processIds().filter((pid) => kinOf(pid)?.parentPid === process.pid);
  }
  return lists.flatMap((list) => (list ?? '').split(' ').filter(Boolean).map(Number));
}

export function reap(libc: Libc, pid: number): ProcessEnd | undefined {
  const status = libc.reap(pid);
  return status === undefined ? undefined : decodeStatus(status);
}

/** As wait(2) has it: the signal in the lowest seven bits, else the code above the lowest eight. */
export function decodeStatus(status: number): ProcessEnd {
  const number = status & 0x7f;
  if (number === 0) return { code: (status >> 8) & 0xff, signal: null };
  const known = Object.entries(constants.signals).find(([, each]) => each === number);
  return { code: null, signal: (known?.[0] ?? `SIGRT${number}`) as NodeJS.Signals };
}
