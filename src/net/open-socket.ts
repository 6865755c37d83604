/** Connecting within a time, by address or by name, and why it could not be had. */
import { connect, type Socket } from 'node:net';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import { TcpaliveError } from '../errors.js';

export interface OpenOptions {
  readonly remote: Endpoint;
  readonly connectTimeoutMs: number;
  /** 4 or 6: only addresses of that family. */
  readonly family?: 4 | 6 | undefined;
  /** Ends the attempt early. */
  readonly interruption?: AbortSignal;
}

/**
 * Resolves in the turn that connected it: nothing can happen to the socket before its new owner listens.
 * @throws TcpaliveError UNREACHABLE naming the address
 */
export function openSocket({
  remote,
  family,
  connectTimeoutMs,
  interruption,
}: OpenOptions): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({
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
