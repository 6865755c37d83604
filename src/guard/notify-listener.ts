/** systemd's protocol (sd_notify(3)), heard: datagrams whose sender the kernel names. */
import { chmodSync, rmSync } from 'node:fs';
import { parseNotification } from '../core/guard/sd-notify.js';
import type { Ear, Sign } from '../core/guard/sign.js';
import { TcpaliveError } from '../errors.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { Datagram, Datagrams } from '../kernel/process-view.js';
import type { Standing } from './child.js';

export interface NotifyAddress {
  /** What goes into NOTIFY_SOCKET: a path that is not there yet, of at most 107 bytes, or `@` and an abstract name. */
  readonly path: string;
  /** Who sent it. A stranger's message is counted and counts for nothing. */
  readonly standingOf: (pid: number) => Standing;
}

export interface NotifyEar extends Ear {
  /** Messages from others than the service, and such as nobody can read. */
  readonly refused: number;
}

/** Of one service before the others have their turn: more waits in the kernel, which holds a few. */
const AT_ONCE = 64;

/** The kernel queues 512 at most by default (net.unix.max_dgram_qlen): a flood does not hold us. */
const MORE_THAN_WAIT = 1024;

/** One for all services of a guardian: the kernel says when something has come, and nothing is polled. */
export class NotifyListener {
  readonly #kernel: Kernel;
  readonly #ears = new Set<OpenEar>();
  #again: NodeJS.Immediate | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    process.on('SIGURG', this.#wake);
  }

  /** @throws TcpaliveError CANNOT_LISTEN, NO_CAPABILITY */
  open(at: NotifyAddress, hear: (sign: Sign) => void): NotifyEar {
    const ear = new OpenEar(bind(this.#kernel, at.path), at, hear, () => this.#ears.delete(ear));
    this.#ears.add(ear);
    return ear;
  }

  /** What has come is heard now, and not at the loop's next turn. */
  drain(): void {
    for (const ear of this.#ears) ear.listen(MORE_THAN_WAIT);
  }

  /** And every ear with it. Idempotent. */
  close(): void {
    process.off('SIGURG', this.#wake);
    clearImmediate(this.#again);
    for (const ear of this.#ears) ear.close();
  }

  /**
   * Not at once: libuv hands out signals until none is left, and whoever floods us sends another for each message
   * that is taken from the queue.
   */
  readonly #wake = (): void => {
    this.#again ??= setImmediate(() => {
      this.#again = undefined;
      const talking = [...this.#ears].filter((ear) => ear.listen(AT_ONCE));
      if (talking.length > 0) this.#wake();
    });
  };
}

class OpenEar implements NotifyEar {
  readonly #datagrams: Datagrams;
  readonly #at: NotifyAddress;
  readonly #hear: (sign: Sign) => void;
  readonly #onClose: () => void;
  #refused = 0;
  #isOpen = true;

  constructor(
    datagrams: Datagrams,
    at: NotifyAddress,
    hear: (sign: Sign) => void,
    onClose: () => void,
  ) {
    this.#datagrams = datagrams;
    this.#at = at;
    this.#hear = hear;
    this.#onClose = onClose;
  }

  get refused(): number {
    return this.#refused;
  }

  /** @returns whether there may be more */
  listen(most: number): boolean {
    for (let heard = 0; heard < most; heard++) {
      const datagram = this.#datagrams.receive();
      if (datagram === undefined) return false;
      const signs = this.#signsOf(datagram);
      if (signs === undefined) this.#refused++;
      for (const sign of signs ?? []) if (this.#isOpen) this.#hear(sign);
    }
    return this.#isOpen;
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#datagrams.close();
    if (!this.#at.path.startsWith('@')) rmSync(this.#at.path, { force: true });
    this.#onClose();
  }

  #signsOf({ bytes, pid }: Datagram): readonly Sign[] | undefined {
    const said = bytes === undefined ? undefined : parseNotification(bytes);
    if (said === undefined) return undefined;
    const standing = this.#at.standingOf(pid);
    if (standing === 'stranger') return undefined;
    return said.flatMap((each): readonly Sign[] => {
      // Who has handed over drains: that it lives says nothing of who came after it.
      if (standing === 'former' && each.kind !== 'main-pid') return [];
      switch (each.kind) {
        case 'failed':
          return [{ ...each, by: 'systemd', reason: 'it says so itself (WATCHDOG=trigger)' }];
        case 'stopping':
          // A version that has been replaced ends, and not the service.
          return standing === 'main' ? [{ kind: each.kind, by: 'systemd' }] : [];
        case 'ready':
        case 'alive':
          return [{ kind: each.kind, by: 'systemd' }];
        case 'main-pid':
        case 'extend':
          return [each];
      }
    });
  }
}

/** @throws TcpaliveError */
function bind(kernel: Kernel, path: string): Datagrams {
  try {
    const datagrams = kernel.receiveDatagrams(path);
    if (!path.startsWith('@')) chmodSync(path, 0o600);
    return datagrams;
  } catch (error) {
    if (!(error instanceof KernelRefusal)) throw error;
    throw new TcpaliveError(
      'CANNOT_LISTEN',
      `cannot listen for notifications at ${path}: ${error.message}`,
      {
        hint: 'the path is to be free, in a folder that is ours, and of at most 107 bytes',
        cause: error,
      },
    );
  }
}
