/** Tells a supervisor how this process is (sd_notify(3)): where there is none, nobody. */
import { supervisedBy } from '../core/supervisor.js';
import { TcpaliveError } from '../errors.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';

export interface Announcer {
  /** It serves; from now on WATCHDOG=1 comes twice as often as it is asked for, the first at once. */
  ready(options: { readonly isSuccessor: boolean }): void;
  /** Another process is the main one from now on: this one is silent, also when it ends. */
  replacedBy(pid: number): void;
  stopping(): void;
  /** Says no more. Idempotent. */
  close(): void;
}

/** @param onUnheard why the supervisor cannot be told, the first time */
export function announcerFor(
  kernel: Kernel,
  variables: Readonly<Record<string, string | undefined>>,
  onUnheard: (reason: string) => void,
): Announcer {
  const supervised = supervisedBy(variables, process.pid);
  if (supervised === undefined) return NOBODY_LISTENS;
  const { address, watchdogMs } = supervised;
  let beats: NodeJS.Timeout | undefined;
  let isTold = false;

  function say(...lines: readonly string[]): void {
    try {
      kernel.sendDatagram(address, Buffer.from(lines.join('\n')));
    } catch (error) {
      if (!(error instanceof KernelRefusal || error instanceof TcpaliveError)) throw error;
      if (!isTold) onUnheard(`${address} (NOTIFY_SOCKET) is not told: ${error.message}`);
      isTold = true;
    }
  }

  return {
    ready({ isSuccessor }) {
      const successor = isSuccessor ? [`MAINPID=${process.pid}`] : [];
      // Whoever takes over and hangs before the next one is to be missed.
      say('READY=1', ...successor, ...(watchdogMs === undefined ? [] : ['WATCHDOG=1']));
      if (watchdogMs !== undefined) beats = setInterval(() => say('WATCHDOG=1'), watchdogMs / 2);
    },
    replacedBy(pid) {
      clearInterval(beats);
      // A supervisor may listen to the main process alone (NotifyAccess=main), which this one still is.
      say(`MAINPID=${pid}`);
    },
    stopping: () => say('STOPPING=1'),
    close: () => clearInterval(beats),
  };
}

const NOBODY_LISTENS: Announcer = {
  ready: () => undefined,
  replacedBy: () => undefined,
  stopping: () => undefined,
  close: () => undefined,
};
