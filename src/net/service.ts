/** What `serve` runs: the server in this process, or in workers that this one deals connections to. */
import { createServer, type Socket } from 'node:net';
import type { Endpoint } from '../core/endpoint.js';
import type { ServerCounts } from '../core/server-counts.js';
import type { AcceptHealth, ServerSnapshot } from '../core/serve-status.js';
import type { Kernel } from '../kernel/kernel.js';
import { Canary } from './canary.js';
import { applyKernelMode } from './connection.js';
import { descriptorOf } from './descriptor.js';
import { drain } from './drain.js';
import type { EchoServerEvent } from './echo-event.js';
import { startEchoServer, type EchoServerOptions } from './echo-server.js';
import { listen } from './listen.js';
import { watchSelf } from './self-watch.js';
import type { SessionsOptions } from './sessions.js';
import { WorkerPool, type WorkerEvent, type WorkerPoolOptions } from './worker-pool.js';

export interface Service {
  readonly address: Endpoint;
  /** Of the listening socket; undefined once nobody can connect any more. */
  readonly descriptor: number | undefined;
  readonly connections: number;
  /** Of each process that holds connections; only where it was asked to watch itself. */
  snapshots(): Promise<readonly ServerSnapshot[]>;
  /** To every worker. */
  signal(name: NodeJS.Signals): void;
  /** Takes nobody in any more, drains, and resets whoever is left then. */
  end(timeoutMs: number, interruption: AbortSignal): Promise<ServiceEnd>;
}

interface ServiceEnd {
  readonly counts: ServerCounts;
  readonly stillOpen: number;
}

export interface ServiceOptions extends Pick<
  EchoServerOptions,
  'host' | 'port' | 'descriptor' | 'watchAccept'
> {
  /** Of each process. */
  readonly sessions: SessionsOptions;
  readonly watchSelf: boolean;
}

/** @throws TcpaliveError CANNOT_LISTEN, NO_CAPABILITY */
export async function serveAlone(
  kernel: Kernel,
  { sessions, ...at }: ServiceOptions,
  onEvent: (event: EchoServerEvent) => void,
): Promise<Service> {
  const server = await startEchoServer(kernel, { ...at, ...sessions }, onEvent);
  const self = at.watchSelf ? watchSelf(kernel, server, sessions) : undefined;
  return {
    address: server.address,
    get descriptor() {
      return server.descriptor;
    },
    get connections() {
      return server.connections.size;
    },
    snapshots: () => Promise.resolve(self === undefined ? [] : [self.snapshot()]),
    signal: () => undefined,
    async end(timeoutMs, interruption) {
      server.stopListening();
      await drain(kernel, server, timeoutMs, interruption);
      const stillOpen = server.connections.size;
      await server.close();
      self?.close();
      return { counts: server.counts, stillOpen };
    },
  };
}

type PoolEvent = WorkerEvent | Extract<EchoServerEvent, { readonly kind: 'refused' | 'accept' }>;

/** @throws TcpaliveError WORKER_FAILED, CANNOT_LISTEN, NO_CAPABILITY */
export async function serveInWorkers(
  kernel: Kernel,
  options: ServiceOptions & WorkerPoolOptions,
  onEvent: (event: PoolEvent) => void,
): Promise<Service> {
  const { host, port, descriptor, sessions } = options;
  let canary: Canary | undefined;
  // They are there before the first connection is.
  const pool = await WorkerPool.start(options, onEvent);
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    if (canary?.takes(socket) === true) return;
    socket.on('error', () => undefined); // it is gone either way
    if (!pool.take(socket)) refuse(socket, onEvent);
  });
  try {
    const address = await listen(server, { address: host, port }, { descriptor });
    applyKernelMode(kernel, descriptorOf(server), sessions.mode);
    if (options.watchAccept !== undefined) {
      const onChange = (health: AcceptHealth) => onEvent({ kind: 'accept', health });
      canary = new Canary(address, onChange, options.watchAccept);
    }
    return {
      address,
      get descriptor() {
        return descriptorOf(server);
      },
      get connections() {
        return pool.connections;
      },
      async snapshots() {
        const snapshots = await pool.snapshots();
        const accept = canary?.health;
        return accept === undefined ? snapshots : snapshots.map((each) => ({ ...each, accept }));
      },
      signal: (name) => pool.signal(name),
      async end(timeoutMs, interruption) {
        canary?.close();
        server.close();
        await pool.drain(timeoutMs, interruption);
        return { counts: pool.counts, stillOpen: pool.stillOpen };
      },
    };
  } catch (error) {
    server.close();
    await pool.drain(0, AbortSignal.abort());
    throw error;
  }
}

function refuse(socket: Socket, onEvent: (event: PoolEvent) => void): void {
  const { remoteAddress = '', remotePort = 0 } = socket;
  socket.resetAndDestroy();
  const remote = { address: remoteAddress, port: remotePort };
  const reason = 'no worker takes connections fast enough';
  onEvent({ kind: 'refused', remote, cause: 'connections', reason });
}
