/** The client's end of a connection: connect within a time, put the mode on it, beat. */
import { connect as connectSocket, type Socket } from 'node:net';
import { detectorFor } from '../core/detector.js';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import { codec, type Framing } from '../core/frame.js';
import type { Mode } from '../core/mode.js';
import { TcpaliveError } from '../errors.js';
import type { Kernel } from '../kernel/kernel.js';
import { applyKernelMode, Connection, type ConnectionHandlers } from './connection.js';
import { descriptorOf } from './descriptor.js';

export interface ClientOptions {
  readonly remote: Endpoint;
  readonly mode: Mode;
  readonly framing: Framing;
  readonly maxFrameBytes: number;
  readonly connectTimeoutMs: number;
  /** 4 or 6: only addresses of that family. */
  readonly family?: 4 | 6 | undefined;
  /** Ends the attempt early. */
  readonly interruption?: AbortSignal;
}

export interface Client {
  readonly connection: Connection;
  /** The kernel's part of the mode, as read back from the socket. */
  readonly settings: Mode;
}

/** @throws TcpaliveError UNREACHABLE naming the address; NO_CAPABILITY when the mode cannot be had. */
export async function connect(
  kernel: Kernel,
  options: ClientOptions,
  handlers: ConnectionHandlers,
): Promise<Client> {
  const socket = await openSocket(options);
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
  return { connection, settings };
}

/** Resolves in the turn that connected it: nothing can happen to the socket before its new owner listens. */
function openSocket({
  remote,
  family,
  connectTimeoutMs,
  interruption,
}: ClientOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({
      host: remote.address,
      port: remote.port,
      ...(family === undefined ? {} : { family }),
    });
    const settle = () => {
      clearTimeout(timer);
      interruption?.removeEventListener('abort', onInterrupt);
    };
    const fail = (reason: string, cause?: NodeJS.ErrnoException) => {
      settle();
      socket.destroy();
      reject(
        new TcpaliveError('UNREACHABLE', `cannot connect to ${formatEndpoint(remote)}: ${reason}`, {
          hint: unresolved.has(cause?.code ?? '')
            ? 'is the name spelled right, and does this host resolve names?'
            : 'is it listening there, and does a firewall let you through?',
          cause,
        }),
      );
    };
    const onInterrupt = () => fail('interrupted');
    const onError = (cause: NodeJS.ErrnoException) => fail(reasonOf(cause), cause);
    const timer = setTimeout(
      () => fail(`no answer within ${connectTimeoutMs / 1000}s`),
      connectTimeoutMs,
    );
    interruption?.addEventListener('abort', onInterrupt);
    if (interruption?.aborted === true) onInterrupt();
    socket.once('error', onError);
    socket.once('connect', () => {
      settle();
      socket.off('error', onError);
      resolve(socket);
    });
  });
}

const unresolved: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN']);

function reasonOf(cause: NodeJS.ErrnoException): string {
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ECONNRESET: 'connection reset',
    ENOTFOUND: 'no such host',
    EAI_AGAIN: 'the name cannot be resolved now',
    EHOSTUNREACH: 'no route to the host',
    ENETUNREACH: 'the network is unreachable',
    ETIMEDOUT: 'no answer',
  };
  return reasons[cause.code ?? ''] ?? cause.message;
}
