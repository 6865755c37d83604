/** The client's end of a connection: connect within a time, put the mode on it, beat. */
import { connect as connectSocket } from 'node:net';
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
  readonly family?: 4 | 6;
}

/** @throws TcpaliveError UNREACHABLE naming the address; NO_CAPABILITY when the mode cannot be had. */
export function connect(
  kernel: Kernel,
  options: ClientOptions,
  handlers: ConnectionHandlers,
): Promise<Connection> {
  const { remote, mode } = options;
  return new Promise((resolve, reject) => {
    const socket = connectSocket({
      host: remote.address,
      port: remote.port,
      ...(options.family === undefined ? {} : { family: options.family }),
    });
    const failed = (reason: string, cause?: unknown) => {
      socket.destroy();
      reject(
        new TcpaliveError('UNREACHABLE', `cannot connect to ${formatEndpoint(remote)}: ${reason}`, {
          hint: 'is it listening there, and does a firewall let you through?',
          cause,
        }),
      );
    };
    const onError = (cause: NodeJS.ErrnoException) => failed(reasonOf(cause), cause);
    const timer = setTimeout(
      () => failed(`no answer within ${options.connectTimeoutMs / 1000}s`),
      options.connectTimeoutMs,
    );
    socket.once('close', () => clearTimeout(timer));
    socket.once('error', onError);
    socket.once('connect', () => {
      clearTimeout(timer);
      const descriptor = descriptorOf(socket);
      try {
        if (descriptor !== undefined) applyKernelMode(kernel, descriptor, mode);
      } catch (error) {
        socket.destroy();
        reject(error as Error);
        return;
      }
      const connection = new Connection(socket, {
        codec: codec(options.framing, options.maxFrameBytes),
        detector: (now) => detectorFor(mode, 'beats', now),
        handlers,
      });
      // Only now: between the two there would be nobody to hear an error.
      socket.off('error', onError);
      resolve(connection);
    });
  });
}

function reasonOf(cause: NodeJS.ErrnoException): string {
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'connection refused',
    ENOTFOUND: 'no such host',
    EAI_AGAIN: 'the name cannot be resolved now',
    EHOSTUNREACH: 'no route to the host',
    ENETUNREACH: 'the network is unreachable',
    ETIMEDOUT: 'no answer',
  };
  return reasons[cause.code ?? ''] ?? cause.message;
}
