import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished } from 'vitest';
import type { EchoServerEvent } from '../../src/net/echo-event.js';
import {
  startEchoServer,
  type EchoServer,
  type EchoServerOptions,
} from '../../src/net/echo-server.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import { kernel, SOON_MS } from '../real-kernel.js';

export interface Served {
  readonly server: EchoServer;
  readonly events: readonly EchoServerEvent[];
}

/** An echo server of ours, gone when the test is over. */
export async function served(
  options: Partial<EchoServerOptions> = {},
  on: Kernel = kernel,
): Promise<Served> {
  const events: EchoServerEvent[] = [];
  const server = await startEchoServer(
    on,
    {
      host: '127.0.0.1',
      port: 0,
      mode: {},
      framing: 'length16',
      maxFrameBytes: 32_768,
      maxConnections: Infinity,
      replyDelayMs: 0,
      ...options,
    },
    (event) => events.push(event),
  );
  onTestFinished(() => server.close());
  return { server, events };
}

interface To {
  readonly server: Pick<EchoServer, 'address'>;
}

/** A client that nobody drives, and that reads nothing before it is told to. */
export async function stranger({ server: { address } }: To): Promise<Socket> {
  const socket = connect(address.port, address.address);
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** That a frame is echoed to it, now. */
export async function isHealthy(socket: Socket): Promise<void> {
  const frame = Buffer.from([0, 2, 0x68, 0x69]);
  const answer = once(socket, 'data', { signal: AbortSignal.timeout(SOON_MS) });
  socket.write(frame);
  expect((await answer)[0]).toEqual(frame);
}

export function countFrames(events: readonly EchoServerEvent[]): number {
  return events.reduce((sum, event) => sum + (event.kind === 'frames' ? event.frames.count : 0), 0);
}
