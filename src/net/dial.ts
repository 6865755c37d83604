/** An attempt to connect, from its first SYN: for watching how long the kernel goes on trying. */
import { connect, type Socket } from 'node:net';
import type { Mode } from '../core/mode.js';
import { msBetween, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import { applyKernelMode, type Ending, type EndCause } from './connection.js';
import { descriptorOf } from './descriptor.js';

export class Dial {
  readonly startedAt: Instant;
  readonly #socket: Socket;
  #ending: Ending | undefined;

  /** Connects to that port on loopback. @param onEnd exactly once, unless it connects or is given up here */
  constructor(kernel: Kernel, port: number, mode: Mode, onEnd: (ending: Ending) => void) {
    this.startedAt = monotonicNow();
    this.#socket = connect(port, '127.0.0.1');
    // The socket has its descriptor from the next turn on, long before the first retransmission.
    setImmediate(() => {
      if (!this.#socket.destroyed) applyKernelMode(kernel, this.descriptor, mode);
    });
    this.#socket.once('error', (error: NodeJS.ErrnoException) => {
      const at = monotonicNow();
      const by = (error.code ?? 'EIO') as EndCause;
      this.#ending = { by, at, silentMs: msBetween(this.startedAt, at), detail: undefined };
      onEnd(this.#ending);
    });
  }

  get ending(): Ending | undefined {
    return this.#ending;
  }

  get descriptor(): number | undefined {
    return this.#socket.destroyed ? undefined : descriptorOf(this.#socket);
  }

  close(): void {
    this.#socket.destroy();
  }
}
