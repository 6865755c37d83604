/** The client's end of a connection: connect within a time, put the mode on it, beat. */
import { detectorFor } from '../core/detector.js';
import { codec, type Framing } from '../core/frame.js';
import type { Mode } from '../core/mode.js';
import { speechCodec } from '../core/speech-codec.js';
import type { Speech } from '../core/speech.js';
import type { Kernel } from '../kernel/kernel.js';
import { applyKernelMode, Connection, type ConnectionHandlers } from './connection.js';
import { descriptorOf } from './descriptor.js';
import { playOpening } from './exchange.js';
import { openSocket, type Opened, type OpenOptions } from './open-socket.js';

export interface ClientOptions extends OpenOptions {
  readonly mode: Mode;
  readonly framing: Framing;
  readonly maxFrameBytes: number;
  /** Another protocol than our own frames: its opening is played first. */
  readonly speech?: Speech | undefined;
}

export interface Client extends Omit<Opened, 'socket'> {
  readonly connection: Connection;
  /** The kernel's part of the mode, as read back from the socket. */
  readonly settings: Mode;
}

/**
 * @throws TcpaliveError UNREACHABLE or TLS_FAILED naming the address; NO_CAPABILITY when the mode cannot
 *   be had; WRONG_PROTOCOL or NO_ANSWER when there is no opening
 */
export async function connect(
  kernel: Kernel,
  options: ClientOptions,
  handlers: ConnectionHandlers,
): Promise<Client> {
  const { speech, interruption } = options;
  const { socket, ...opened } = await openSocket(kernel, options);
  let settings: Mode;
  try {
    settings = applyKernelMode(kernel, descriptorOf(socket), options.mode);
    if (speech !== undefined) {
      await playOpening(socket, speech, { deadlineMs: options.connectTimeoutMs, interruption });
    }
  } catch (error) {
    socket.destroy();
    throw error;
  }
  const connection = new Connection(socket, {
    codec:
      speech === undefined ? codec(options.framing, options.maxFrameBytes) : speechCodec(speech),
    detector: (now) => detectorFor(options.mode, 'beats', now),
    handlers,
  });
  return { ...opened, connection, settings };
}
