/**
 * Connections past Node's streams: all are read into the same room, and what is written goes straight to
 * the kernel while nothing waits before it. Of a beat's CPU time outside the kernel that leaves out a half: 64 KiB
 * got and given back for each read, a Buffer, a request to write, a tick, and the collection of all that
 * (`npm run bench:serve`).
 *
 * Node reads into somebody's room (`onread`) only through a socket that one opens oneself. So one that was
 * accepted is opened again, by a duplicate of its descriptor.
 */
import { Socket, type ConnectOpts, type SocketConstructorOpts } from 'node:net';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import { descriptorOf } from './descriptor.js';

/** As much as libuv reads at once. */
const ROOM_BYTES = 64 * 1024;

/** For all connections of a server. */
export class DirectSockets {
  readonly #kernel: Pick<Kernel, 'duplicate' | 'sendNow'>;
  readonly #room = new Uint8Array(ROOM_BYTES);
  /** What has come: nearly always as much as the last time. */
  #chunk = this.#room;

  constructor(kernel: Pick<Kernel, 'duplicate' | 'sendNow'>) {
    this.#kernel = kernel;
  }

  /**
   * @param accepted in this turn: nothing has been read yet. It is destroyed, and its connection lives on.
   * @param received is given bytes to be read at once: the next ones overwrite them
   * @returns undefined: it cannot be had, and `accepted` is as it was
   */
  open(accepted: Socket, received: (chunk: Uint8Array) => void): Socket | undefined {
    const descriptor = descriptorOf(accepted);
    const fd = descriptor === undefined ? undefined : this.#kernel.duplicate(descriptor);
    if (fd === undefined) return undefined;
    accepted.destroy();
    // Documented under `connect` alone before Node 22.7, and so in its types.
    const options: SocketConstructorOpts & ConnectOpts = {
      fd,
      readable: true,
      writable: true,
      onread: {
        buffer: this.#room,
        callback: (bytes) => {
          if (this.#chunk.length !== bytes) this.#chunk = this.#room.subarray(0, bytes);
          received(this.#chunk);
          return true;
        },
      },
    };
    return new Socket(options);
  }

  /**
   * Behind what the socket has still to write nothing is sent: it would come first. A socket that the kernel
   * refuses to send on is destroyed for that reason, which the kernel tells only once.
   * @param mayWait false: nothing has ever been written through the socket itself, and its queue is not looked at
   * @returns what is still to be written, and is the caller's
   */
  send(socket: Socket, bytes: Uint8Array, mayWait: boolean): Uint8Array | undefined {
    const waits = mayWait && socket.writableLength > 0;
    const fd = waits ? undefined : descriptorOf(socket); // none once it is destroyed
    if (fd === undefined) return new Uint8Array(bytes);
    try {
      const sent = this.#kernel.sendNow(fd, bytes);
      return sent === bytes.length ? undefined : new Uint8Array(bytes.subarray(sent));
    } catch (error) {
      if (!(error instanceof KernelRefusal)) throw error;
      socket.destroy(error);
      return undefined;
    }
  }
}
