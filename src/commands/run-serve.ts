import { formatEndpoint } from '../core/endpoint.js';
import { inheritedListeners } from '../core/inherited.js';
import { lockOut } from '../core/lock-out.js';
import { formatMode, type Mode } from '../core/mode.js';
import { mergeSnapshots } from '../core/serve-status.js';
import { TcpaliveError } from '../errors.js';
import { hostFactsFromFiles } from '../kernel/host-facts.js';
import { interruptible, orInterrupted } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import { openKernel } from '../kernel/open-kernel.js';
import { drain } from '../net/drain.js';
import { startEchoServer, type EchoServer } from '../net/echo-server.js';
import type { StatusServer } from '../net/status-server.js';
import { watchSelf } from '../net/self-watch.js';
import { ServeLog } from '../net/serve-log.js';
import { tellPredecessor } from '../net/successor.js';
import type { Environment } from './environment.js';
import { listenForInterrupt, type Interrupt } from './interrupt.js';
import { listenForRestart } from './restart.js';
import { serveOutput, type ServeOutput } from './serve-output.js';
import { DEFAULT_MAX_CONNECTIONS, type ServeFlags } from './serve.js';

/** For Node itself, the status and the events: accept() beyond the limit fails without a word. */
const SPARE_DESCRIPTORS = 48;

export async function runServer(env: Environment, flags: ServeFlags): Promise<void> {
  const kernel = await openKernel();
  const maxConnections = connectionsWithin(kernel.descriptorLimit(), flags.maxConnections);
  const output = serveOutput(env, flags);
  const interrupt = listenForInterrupt(env);
  try {
    await serveUntil(env, interrupt, kernel, { ...flags, maxConnections }, output);
  } finally {
    output.close();
  }
  env.setExitCode(interrupt.exitCode(0));
}

type Serving = ServeFlags & { readonly maxConnections: number };

async function serveUntil(
  env: Environment,
  interrupt: Interrupt,
  kernel: Kernel,
  flags: Serving,
  { print, tellsFrames }: ServeOutput,
): Promise<void> {
  const { maxConnections } = flags;
  const log = new ServeLog(print);
  const inherited = inheritedListeners(env.variables, process);
  const server = await startEchoServer(
    kernel,
    {
      host: flags.host,
      port: flags.port,
      descriptor: inherited?.descriptors[0],
      mode: flags.mode,
      framing: flags.framing,
      maxFrameBytes: flags.maxFrame,
      maxConnections,
      maxPerAddress: flags.maxPerAddress,
      evict: flags.evict,
      maxUnsentBytes: flags.maxUnsent,
      stallTimeoutMs: flags.stallTimeout,
      replyDelayMs: flags.replyDelay ?? 0,
      silentAfterMs: isHeard(flags) ? silentAfterMs(flags.mode) : undefined,
      watchAccept: flags.status !== undefined || flags.events !== undefined,
    },
    (event) => {
      if (event.kind !== 'frame' || tellsFrames) log.take(event);
    },
  );
  let status: StatusServer | undefined;
  try {
    status = await startStatus(kernel, server, flags, inherited?.descriptors[1]);
  } catch (error) {
    await server.close();
    throw error;
  }
  const restart = listenForRestart(env, {
    readyTimeoutMs: flags.readyTimeout,
    descriptors: () =>
      [server.descriptor, status?.descriptor].filter((descriptor) => descriptor !== undefined),
    print,
  });
  print({
    event: 'listening',
    time: new Date().toISOString(),
    schema: 'tcpalive/serve/1',
    address: formatEndpoint(server.address),
    mode: formatMode(flags.mode),
    framing: flags.framing,
    pid: process.pid,
  });
  const { sysctl: sysctls, hz } = hostFactsFromFiles();
  print({
    event: 'limit',
    time: new Date().toISOString(),
    connections: maxConnections,
    perAddress: flags.maxPerAddress ?? null,
    evict: flags.evict ?? false,
    ...lockOut(flags.mode, maxConnections, { sysctls, hz: hz ?? undefined }),
  });
  if (status !== undefined) {
    const address = formatEndpoint(status.address);
    print({ event: 'status', time: new Date().toISOString(), address });
  }
  if (inherited?.from === 'predecessor') tellPredecessor();
  const hurry = interruptible();
  interrupt.signal.addEventListener('abort', () => {
    if (interrupt.received !== 'SIGTERM') hurry.abort();
  });
  if (!interrupt.happened) await orInterrupted(restart.replaced, interrupt.signal);
  restart.stop();
  server.stopListening();
  if (!interrupt.happened) await status?.close(); // the next version answers
  if (!hurry.signal.aborted) {
    print({
      event: 'draining',
      time: new Date().toISOString(),
      pid: process.pid,
      connections: server.connections.size,
      timeoutMs: flags.drainTimeout,
    });
    await drain(kernel, server.connections, flags.drainTimeout, hurry.signal);
  }
  const stillOpen = server.connections.size;
  await Promise.all([server.close(), status?.close()]);
  log.summarise(server.counts, stillOpen);
  restart.ignore();
}

/** @throws TcpaliveError CANNOT_LISTEN */
async function startStatus(
  kernel: Kernel,
  server: EchoServer,
  { status: at, mode, maxConnections, evict }: Serving,
  descriptor: number | undefined,
): Promise<StatusServer | undefined> {
  if (at === undefined) return undefined;
  // Its parts are for those alone who ask for them: other starts are none the slower.
  const { serveStatus } = await import('./serve-status.js');
  const self = watchSelf(kernel, server, { mode, maxConnections, evict });
  const status = await serveStatus(
    at,
    () => mergeSnapshots([self.snapshot()], new Date().toISOString()),
    descriptor,
  );
  return {
    address: status.address,
    get descriptor() {
      return status.descriptor;
    },
    async close() {
      self.close();
      await status.close();
    },
  };
}

/** Somebody is told of silences: a notice costs every connection a detector of its own. */
function isHeard({ quiet, events, status }: ServeFlags): boolean {
  return quiet !== true || events !== undefined || status !== undefined;
}

/** @throws TcpaliveError BAD_USAGE when more are wanted than this process may hold descriptors for */
function connectionsWithin(limit: number | undefined, wanted: number | undefined): number {
  const room = limit === undefined ? Infinity : Math.max(1, limit - SPARE_DESCRIPTORS);
  if (wanted === undefined) return Math.min(DEFAULT_MAX_CONNECTIONS, room);
  if (wanted <= room) return wanted;
  throw new TcpaliveError(
    'BAD_USAGE',
    `--max-connections: ${wanted} are more than this process may hold, ${room} of ${limit ?? 0} descriptors`,
    { hint: 'raise the limit first: ulimit -n' },
  );
}

/** When a silence is worth a word: a beat is overdue, or half of the time is gone. */
function silentAfterMs({ heartbeat, idleTimeoutMs }: Mode): number {
  if (heartbeat !== undefined) return Math.min(heartbeat.intervalMs * 1.5, heartbeat.timeoutMs);
  return idleTimeoutMs === undefined ? 10_000 : idleTimeoutMs / 2;
}
