/**
 * The probe: a client that beats, like `ping`. It counts beats and answers, asks the kernel what it
 * thinks, and when a connection ends says who fell silent. Knows no terminal: what it sees is
 * reported as events and one result.
 */
import { distribution } from '../core/distribution.js';
import { formatEndpoint, type Endpoint } from '../core/endpoint.js';
import { formatMode, type Mode } from '../core/mode.js';
import { predict, type Situation } from '../core/predict.js';
import type {
  ProbeDrop,
  ProbeEvent,
  ProbeKernelView,
  ProbeResult,
  ProbeVerdict,
} from '../core/probe-result.js';
import type { DropEngine, HostFacts } from '../core/result.js';
import { addMs, type Instant } from '../core/time.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import { pause, type Interruption } from './interruption.js';
import { disturbance, watchLoop } from './loop-delay.js';
import { ProbeConnection } from './probe-connection.js';

export interface ProbeOptions {
  readonly remote: Endpoint;
  /** Only addresses of that family; undefined: whichever the name has. */
  readonly family: 4 | 6 | undefined;
  readonly mode: Mode;
  /** Stop after so many answered beats. */
  readonly count: number | undefined;
  readonly durationMs: number | undefined;
  /** Cut our own end that long after connecting, once. */
  readonly dropAfterMs: number | undefined;
  /** Connect again whenever a connection ends, until count, duration or interruption. */
  readonly reconnect: boolean;
  readonly host: Pick<HostFacts, 'sysctl' | 'hz'>;
  readonly interruption: Interruption;
}

const RECONNECT_AFTER_MS = 1000;

/** How long a connection that nothing will notice is watched after its drop. */
const UNNOTICED_WAIT_MS = 15_000;

/**
 * @throws TcpaliveError UNREACHABLE when the first connection cannot be made, NO_CAPABILITY when
 *   the mode or the drop cannot be had
 */
export async function probe(
  kernel: Kernel,
  options: ProbeOptions,
  onEvent: (event: ProbeEvent) => void,
): Promise<ProbeResult> {
  const engine = options.dropAfterMs === undefined ? undefined : dropEngine(kernel);
  const startedAt = new Date();
  const started = monotonicNow();
  const wallClock = (at: Instant) => new Date(startedAt.getTime() + (at - started)).toISOString();
  const end = options.durationMs === undefined ? undefined : addMs(started, options.durationMs);
  const loop = watchLoop();
  const totals = { connections: 0, sent: 0, lost: 0 };
  const rttsMs: number[] = [];
  let drop: ProbeDrop | null = null;
  let verdict: ProbeVerdict = { kind: 'alive' };
  let view: ProbeKernelView | null = null;

  const leftMs = () => (end === undefined ? Infinity : Math.max(0, end - monotonicNow()));
  const isOver = () =>
    options.interruption.interrupted ||
    leftMs() === 0 ||
    (options.count !== undefined && rttsMs.length >= options.count);

  do {
    const connection = new ProbeConnection(kernel, options, { onEvent, wallClock });
    try {
      await connection.open();
    } catch (error) {
      if (totals.connections === 0 || !(error instanceof TcpaliveError)) throw error;
      await again(error.message);
      continue;
    }
    totals.connections++;
    if (engine !== undefined && drop === null) connection.dropLater(engine, UNNOTICED_WAIT_MS);
    const answersLeft = options.count === undefined ? Infinity : options.count - rttsMs.length;
    verdict = await connection.run(leftMs(), answersLeft);
    totals.sent += connection.sent;
    rttsMs.push(...connection.rttsMs);
    drop = connection.drop ?? drop;
    view = connection.lastView;
    if (verdict.kind !== 'alive') {
      totals.lost++;
      onEvent({ kind: 'ended', at: wallClock(monotonicNow()), verdict });
    }
    if (options.reconnect && verdict.kind !== 'alive' && !isOver()) await again('it ended');
  } while (options.reconnect && !isOver());

  const loopDelay = loop.stop();
  return {
    schema: 'tcpalive/probe/1',
    complete: !options.interruption.interrupted,
    startedAt: startedAt.toISOString(),
    durationMs: Math.round(monotonicNow() - started),
    target: formatEndpoint(options.remote),
    mode: formatMode(options.mode),
    connections: totals.connections,
    beats: {
      sent: totals.sent,
      answered: rttsMs.length,
      rttMs: distribution(rttsMs) ?? null,
    },
    verdict,
    lost: totals.lost,
    drop,
    withoutMode: withoutMode(options, verdict),
    kernel: view,
    notes: [...notProven(drop), ...(drop === null ? [] : disturbance(loopDelay))],
  };

  async function again(reason: string): Promise<void> {
    onEvent({
      kind: 'reconnecting',
      at: wallClock(monotonicNow()),
      afterMs: RECONNECT_AFTER_MS,
      reason,
    });
    await pause(Math.min(RECONNECT_AFTER_MS, leftMs()), options.interruption);
  }
}

/** How long such a connection would have stayed with mode none: for whom the same party is silent. */
function withoutMode({ host }: ProbeOptions, verdict: ProbeVerdict): ProbeResult['withoutMode'] {
  const hung = verdict.kind === 'dead' && verdict.where === 'process';
  const situation: Omit<Situation, 'load'> = {
    mode: {},
    fault: hung ? 'freeze' : 'blackhole',
    observer: 'client',
    sysctls: host.sysctl,
    hz: host.hz ?? undefined,
  };
  return {
    idle: predict({ ...situation, load: 'idle' }),
    write: predict({ ...situation, load: 'write' }),
  };
}

function dropEngine({ capabilities }: Kernel): DropEngine {
  if (capabilities.socketFilter) return 'socket-filter';
  if (capabilities.minTtl) return 'min-ttl';
  throw new TcpaliveError('NO_CAPABILITY', 'nothing here can drop a segment silently', {
    hint: 'it takes Linux with koffi, and IP_MINTTL or CAP_NET_ADMIN: see tcpalive doctor',
  });
}

function notProven(drop: ProbeDrop | null): readonly string[] {
  return drop === null || drop.proven
    ? []
    : ['the drop is not proven: nothing arrived that could have been swallowed'];
}
