/** The client's end of a connection: connect within a time, put the mode on it, beat. */
import { detectorFor } from '../core/detector.js';
import { codec, type Framing } from '../core/frame.js';
import type { Mode } from '../core/mode.js';
import type { Kernel } from '../kernel/kernel.js';
import { applyKernelMode, Connection, type ConnectionHandlers } from './connection.js';
import { descriptorOf } from './descriptor.js';
import { openSocket, type Opened, type OpenOptions } from './open-socket.js';

export interface ClientOptions extends OpenOptions {
  readonly mode: Mode;
  readonly framing: Framing;
  readonly maxFrameBytes: number;
}

export interface Client extends Omit<Opened, 'socket'> {
  readonly connection: Connection;
  /** The kernel's part of the mode, as read back from the socket. */
  readonly settings: Mode;
}

/** @throws TcpaliveError UNREACHABLE or TLS_FAILED naming the address; NO_CAPABILITY when the mode cannot be had. */
export async function connect(
  kernel: Kernel,
  options: ClientOptions,
  handlers: ConnectionHandlers,
): Promise<Client> {
  const { socket, ...opened } = await openSocket(kernel, options);
  let settings: Mode;
  try {
    settings = applyKernelMode(kernel, descriptorOf(socket), options.mode);
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const connection = new Connection(socket, {
    codec: codec(options.framing, options.maxFrameBytes),
    detector: (now) => detectorFor(options.mode, 'beats', now),
    handlers,
  });
  return { ...opened, connection, settings };
}
