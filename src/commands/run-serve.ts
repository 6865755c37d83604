import { spawn, type ChildProcess } from 'node:child_process';
import { formatEndpoint } from '../core/endpoint.js';
import { formatFraming } from '../core/frame.js';
import { inheritedListeners, notForUs, unanswered, type Inherited } from '../core/inherited.js';
import { lockOut } from '../core/lock-out.js';
import { formatMode, type Mode } from '../core/mode.js';
import { mergeSnapshots } from '../core/serve-status.js';
import { TcpaliveError } from '../errors.js';
import { hostFactsFromFiles } from '../kernel/host-facts.js';
import { interruptible, orInterrupted } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import { openKernel } from '../kernel/open-kernel.js';
import { announcerFor } from '../net/announcer.js';
import type { StatusServer, StatusServerOptions } from '../net/status-server.js';
import { ServeLog } from '../net/serve-log.js';
import { serveAlone, serveInWorkers, type Service } from '../net/service.js';
import type { SessionsOptions } from '../net/sessions.js';
import { tellPredecessor } from '../net/successor.js';
import { printable } from '../report/printable.js';
import type { Environment } from './environment.js';
import { listenForInterrupt, type Interrupt } from './interrupt.js';
import { listenForRestart, type Restart } from './restart.js';
import { serveOutput, type OutputFlags, type ServeOutput } from './serve-output.js';
import { DEFAULT_MAX_CONNECTIONS, type ServeFlags } from './serve.js';
import { keepHeapSmall } from './small-heap.js';
import { tellBug } from './tell-bug.js';

/** For Node itself, the status and the events: accept() beyond the limit fails without a word. */
const SPARE_DESCRIPTORS = 48;

export async function runServer(env: Environment, flags: ServeFlags): Promise<void> {
  keepHeapSmall();
  const kernel = await openKernel();
  const maxConnections = connectionsWithin(kernel.descriptorLimit(), flags);
  const output = serveOutput(env, flags);
  const interrupt = listenForInterrupt(env);
  try {
    await serveUntil(
      env,
      interrupt,
      kernel,
      { ...flags, mode: modeOf(flags), maxConnections },
      output,
    );
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
  output: ServeOutput,
): Promise<void> {
  const { print } = output;
  const { maxConnections } = flags;
  const log = new ServeLog(print);
  const inherited = inheritedListeners(env.variables, process);
  const notOurs = notForUs(env.variables, process.pid);
  if (notOurs !== undefined) output.warn(`${notOurs}: it listens on --host and --port instead`);
  const idle = inherited && unanswered(inherited, flags.status === undefined ? 1 : 2);
  if (idle !== undefined) output.warn(idle);
  let restart: Restart | undefined = undefined;
  // Before and after that, the other version takes our own connections for a client's.
  const isAlone = () => restart?.isUnderWay !== true && !isBesidePredecessor(inherited);
  const service = await startService(env, kernel, flags, { output, log, inherited, isAlone });
  let status: StatusServer | undefined;
  restart = listenForRestart(env, {
    readyTimeoutMs: flags.readyTimeout,
    descriptors: () =>
      [service.descriptor, status?.descriptor].filter((descriptor) => descriptor !== undefined),
    print,
  });
  try {
    status = await startStatus(kernel, service, restart, flags, {
      descriptor: inherited?.descriptors[1],
      onBug: tellBug(env),
    });
  } catch (error) {
    restart.ignore();
    await service.end(0, AbortSignal.abort());
    throw error;
  }
  print({
    event: 'listening',
    time: new Date().toISOString(),
    schema: 'tcpalive/serve/1',
    address: formatEndpoint(service.address),
    mode: formatMode(flags.mode),
    framing: formatFraming(flags.framing),
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
  const announcer = announcerFor(kernel, env.variables, (reason) =>
    env.stderr.write(`warning: ${printable(reason)}\n`),
  );
  const isSuccessor = inherited?.from === 'predecessor';
  if (isSuccessor) tellPredecessor();
  announcer.ready({ isSuccessor });
  // Each worker has the file of events open.
  const passOn = () => service.signal('SIGHUP');
  const ignoreHangups = flags.events === undefined ? undefined : env.onHangup(passOn);
  const hurry = interruptible();
  const end = () => interrupt.received !== 'SIGTERM' && hurry.abort();
  let successor: number | undefined;
  if (interrupt.happened) end();
  else {
    interrupt.signal.addEventListener('abort', end);
    successor = await orInterrupted(restart.replaced, interrupt.signal);
  }
  restart.stop();
  if (successor === undefined) announcer.stopping();
  else announcer.replacedBy(successor);
  if (!interrupt.happened) void status?.close(); // the next version answers
  if (!hurry.signal.aborted) {
    print({
      event: 'draining',
      time: new Date().toISOString(),
      pid: process.pid,
      connections: service.connections,
      timeoutMs: flags.drainTimeout,
    });
  }
  const { counts, stillOpen } = await service.end(flags.drainTimeout, hurry.signal);
  await status?.close();
  log.summarise(counts, stillOpen);
  ignoreHangups?.();
  announcer.close();
  restart.ignore();
}

function startService(
  env: Environment,
  kernel: Kernel,
  flags: Serving,
  { output, log, inherited, isAlone }: ServiceParts,
): Promise<Service> {
  const { workers } = flags;
  const share = workers ?? 1;
  const sessions: SessionsOptions = {
    mode: flags.mode,
    framing: flags.framing,
    maxFrameBytes: flags.maxFrame,
    maxConnections: Math.max(1, Math.floor(flags.maxConnections / share)),
    maxPerAddress: flags.maxPerAddress,
    evict: flags.evict,
    maxUnsentBytes: Math.floor(flags.maxUnsent / share),
    stallTimeoutMs: flags.stallTimeout,
    replyDelayMs: flags.replyDelay ?? 0,
    frameTimeouts: { firstFrameMs: flags.firstFrameTimeout, frameMs: flags.frameTimeout },
    silentAfterMs: isHeard(flags) ? silentAfterMs(flags.mode) : undefined,
  };
  const how = {
    host: flags.host,
    port: flags.port,
    descriptor: inherited?.descriptors[0],
    sessions,
    watchAccept: flags.status !== undefined || flags.events !== undefined ? isAlone : undefined,
    watchSelf: flags.status !== undefined,
  };
  if (workers === undefined) {
    return serveAlone(kernel, how, (event) => {
      if (event.kind !== 'frames' || output.tellsFrames) log.take(event);
    });
  }
  const options = {
    ...how,
    workers,
    start: (worker: number) => spawnWorker(env.bin, worker, flags),
    mostWaiting: (kernel.descriptorLimit() ?? Infinity) - SPARE_DESCRIPTORS - workers,
  };
  return serveInWorkers(kernel, options, (event) => log.take(event));
}

interface ServiceParts {
  readonly output: ServeOutput;
  readonly log: ServeLog;
  readonly inherited: Inherited | undefined;
  /** No other process accepts on our sockets. */
  readonly isAlone: () => boolean;
}

/** It lets go of us in the turn in which it stops to listen. */
function isBesidePredecessor(inherited: Inherited | undefined): boolean {
  return inherited?.from === 'predecessor' && process.connected;
}

/** In a session of its own: Ctrl-C is for the command that was typed, which tells it. */
function spawnWorker(bin: string, worker: number, flags: OutputFlags): ChildProcess {
  const said = [
    ...(flags.events === undefined ? [] : ['--events', flags.events]),
    ...(flags.quiet === true ? ['--quiet'] : []),
    ...(flags.json === true ? ['--json'] : []),
    ...['--color', flags.color],
  ];
  const args = [bin, 'serve-worker', String(worker), String(process.pid), ...said];
  return spawn(process.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    detached: true,
  });
}

/** @throws TcpaliveError CANNOT_LISTEN */
function startStatus(
  kernel: Kernel,
  service: Service,
  restart: Restart,
  { status: at, workers }: Serving,
  options: StatusServerOptions,
): Promise<StatusServer | undefined> {
  if (at === undefined) return Promise.resolve(undefined);
  const status = async () =>
    mergeSnapshots(await service.snapshots(), new Date().toISOString(), {
      processes: workers,
      draining: service.descriptor === undefined,
    });
  // Its parts are for those alone who ask for them: other starts are none the slower.
  return import('./serve-status.js').then(({ serveStatus }) =>
    serveStatus(at, { status, restart, kernel }, options),
  );
}

/** Somebody is told of silences: a notice costs every connection a detector of its own. */
function isHeard({ quiet, events, status }: ServeFlags): boolean {
  return quiet !== true || events !== undefined || status !== undefined;
}

/** @throws TcpaliveError BAD_USAGE when the mode has an idle timeout too */
function modeOf({ mode, idleTimeout: idleTimeoutMs }: ServeFlags): Mode {
  if (idleTimeoutMs === undefined) return mode;
  if (mode.idleTimeoutMs === undefined) return { ...mode, idleTimeoutMs };
  const twice = `--idle-timeout: the mode has one already, ${formatMode(mode)}`;
  throw new TcpaliveError('BAD_USAGE', twice, { hint: 'say it once' });
}

/** @throws TcpaliveError BAD_USAGE when more are wanted than there may be descriptors for */
function connectionsWithin(
  limit: number | undefined,
  { maxConnections: wanted, workers = 1 }: ServeFlags,
): number {
  const room = limit === undefined ? Infinity : Math.max(1, limit - SPARE_DESCRIPTORS) * workers;
  if (wanted === undefined) return Math.min(DEFAULT_MAX_CONNECTIONS * workers, room);
  if (wanted <= room) return wanted;
  const holder = workers === 1 ? 'this process' : `${workers} workers`;
  throw new TcpaliveError(
    'BAD_USAGE',
    `--max-connections: ${wanted} are more than ${holder} may hold, ${room} of ${(limit ?? 0) * workers} descriptors`,
    { hint: 'raise the limit first: ulimit -n' },
  );
}

/** When a silence is worth a word: a beat is overdue, or half of the time is gone. */
function silentAfterMs({ heartbeat, idleTimeoutMs }: Mode): number {
  if (heartbeat !== undefined) return Math.min(heartbeat.intervalMs * 1.5, heartbeat.timeoutMs);
  return idleTimeoutMs === undefined ? 10_000 : idleTimeoutMs / 2;
}
