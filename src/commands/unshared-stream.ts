/**
 * Output that shares its open file description with others who wait where there is no room, such as children:
 * O_NONBLOCK belongs to all of them (open(2)), and is left alone here.
 */
import { constants, fstatSync, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { Writable } from 'node:stream';
import type { Kernel } from '../kernel/kernel.js';

/**
 * Writes to where a descriptor leads, and never waits for whoever reads there. Undefined: it takes what it
 * gets, such as a file, or it is a pipe that cannot be opened: another user made it, or nobody reads it any more.
 */
export function unsharedStream(fd: number, kernel: Kernel): Writable | undefined {
  const what = fstatSync(fd);
  if (what.isFIFO()) return pipeAnew(fd);
  return what.isSocket() ? new SocketStream(fd, kernel) : undefined;
}

/** With a file description of its own. */
function pipeAnew(fd: number): Socket | undefined {
  try {
    const own = openSync(`/proc/self/fd/${fd}`, constants.O_WRONLY | constants.O_NONBLOCK);
    return new Socket({ fd: own, readable: false, writable: true });
  } catch {
    return undefined;
  }
}

/** Long against a write, short against a person's patience. */
const AGAIN_AFTER_MS = 100;

/** A socket cannot be opened anew, but be told with each piece not to wait. */
class SocketStream extends Writable {
  readonly #fd: number;
  readonly #kernel: Kernel;

  constructor(fd: number, kernel: Kernel) {
    super();
    this.#fd = fd;
    this.#kernel = kernel;
  }

  override _write(bytes: Buffer, encoding: BufferEncoding, done: (error?: Error) => void): void {
    try {
      const rest = bytes.subarray(this.#kernel.sendNow(this.#fd, bytes));
      if (rest.length === 0) done();
      else setTimeout(() => this._write(rest, encoding, done), AGAIN_AFTER_MS);
    } catch (error) {
      done(error as Error);
    }
  }
}
