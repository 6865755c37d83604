/** What a kernel tells of processes that belong together, and of messages between them. */

/** proc_pid_stat(5). */
export interface Kin {
  /** Text from outside. */
  readonly name: string;
  readonly parentPid: number;
  readonly groupId: number;
  readonly sessionId: number;
  /** In ticks since the start of the machine: with its number it names one process for good. */
  readonly startedAtTicks: number;
  /** It only waits for its parent to reap it. */
  readonly hasEnded: boolean;
}

/** A process by a descriptor (pidfd_open(2)). */
export interface HeldProcess {
  /** Also when nobody has reaped it yet. */
  hasEnded(): boolean;
  /** False when it is gone. @throws KernelRefusal when it is not ours to signal */
  signal(name: NodeJS.Signals): boolean;
  /**
   * To all of the process group that it leads or has led, at one stroke. False when there is nobody in it,
   * or this kernel cannot (from Linux 6.9 on). @throws KernelRefusal when none of them is ours to signal
   */
  signalGroup(name: NodeJS.Signals): boolean;
  release(): void;
}

/** One of both is null. */
export interface ProcessEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A bound socket. */
export interface Datagrams {
  /** Undefined: nothing is waiting. @throws KernelRefusal */
  receive(): Datagram | undefined;
  /** A file that it is bound to is the caller's to remove. Idempotent. */
  close(): void;
}

export interface Datagram {
  /** At most 4,096 bytes, as with systemd; undefined: it was longer. */
  readonly bytes: Buffer | undefined;
  /** Of the sender, as the kernel vouches (SCM_CREDENTIALS, unix(7)); 0: it is not to be seen from here. */
  readonly pid: number;
}
