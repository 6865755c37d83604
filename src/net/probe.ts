/**
 * The probe: a client that beats, like `ping`. It counts beats and answers, asks the kernel what it
 * thinks, and when a connection ends says who fell silent. Knows no terminal: what it sees is
 * reported as events and one result.
 */
import { distribution } from '../core/distribution.js';
import { formatDuration } from '../core/duration.js';
import { formatEndpoint } from '../core/endpoint.js';
import { formatMode } from '../core/mode.js';
import { predict } from '../core/predict.js';
import type {
  ProbeDrop,
  ProbeEvent,
  ProbeKernelView,
  ProbeResult,
  ProbeVerdict,
} from '../core/probe-result.js';
import type { Situation } from '../core/situation.js';
import { addMs, type Instant } from '../core/time.js';
import { trustNotes } from '../core/tls.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import { pause } from '../kernel/interruption.js';
import { SILENT_BEFORE_PROBE_MS } from './keepalive-probe.js';
import { disturbance, watchLoop } from './loop-delay.js';
import { dropEngine } from './own-drop.js';
import type { Opened } from './open-socket.js';
import { FreshBeats } from './fresh-beats.js';
import { ProbeConnection, type ProbeReport } from './probe-connection.js';
import { protocolOf, type ProbeOptions } from './probe-options.js';

/** A probe may run for weeks. */
const MOST_RTTS = 100_000;

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
  const { dropAfterMs, interruption } = options;
  refuseUnaskable(kernel, options);
  const engine = dropAfterMs === undefined ? undefined : dropEngine(kernel);
  const startedAt = new Date();
  const started = monotonicNow();
  const wallClock = (at: Instant) => new Date(startedAt.getTime() + (at - started)).toISOString();
  const end = options.durationMs === undefined ? undefined : addMs(started, options.durationMs);
  const loop = watchLoop();
  const totals = { connections: 0, sent: 0, answered: 0, lost: 0 };
  let rttsMs: number[] = [];
  const onRtt = (rttMs: number) => {
    rttsMs.push(rttMs);
    if (rttsMs.length >= 2 * MOST_RTTS) rttsMs = rttsMs.slice(-MOST_RTTS);
  };
  let drop: ProbeDrop | null = null;
  let verdict: ProbeVerdict = { kind: 'alive' };
  let view: ProbeKernelView | null = null;
  let opened: Omit<Opened, 'socket'> | undefined;

  const leftMs = () => (end === undefined ? Infinity : Math.max(0, end - monotonicNow()));
  const isOver = () =>
    interruption.aborted ||
    leftMs() === 0 ||
    (options.count !== undefined && totals.answered >= options.count);

  do {
    const connection = beating(kernel, options, { onEvent, onRtt, wallClock });
    try {
      await connection.open();
    } catch (error) {
      if (interruption.aborted) break;
      if (totals.connections === 0 || !(error instanceof TcpaliveError)) throw error;
      await again(error.message);
      continue;
    }
    totals.connections++;
    opened = connection.opened;
    if (
      engine !== undefined &&
      dropAfterMs !== undefined &&
      connection instanceof ProbeConnection
    ) {
      connection.dropLater(dropAfterMs, engine, UNNOTICED_WAIT_MS);
    }
    const answersLeft = options.count === undefined ? Infinity : options.count - totals.answered;
    verdict = await connection.run(leftMs(), answersLeft);
    totals.sent += connection.sent;
    totals.answered += connection.answered;
    drop = connection.drop ?? drop;
    view = connection.lastView;
    if (verdict.kind !== 'alive') {
      totals.lost++;
      onEvent({ event: 'ended', time: wallClock(monotonicNow()), verdict });
    }
    if (options.reconnect && verdict.kind !== 'alive' && !isOver()) await again('it ended');
  } while (options.reconnect && !isOver());

  const loopDelay = loop.stop();
  return {
    schema: 'tcpalive/probe/1',
    complete: !interruption.aborted,
    startedAt: startedAt.toISOString(),
    durationMs: Math.round(monotonicNow() - started),
    host: options.host,
    capabilities: kernel.capabilities,
    target: formatEndpoint(options.remote),
    addresses: opened?.addresses ?? [],
    remote: opened === undefined ? null : formatEndpoint(opened.remote),
    tls: opened?.tls ?? null,
    mode: formatMode(options.mode),
    protocol: protocolOf(options),
    connections: totals.connections,
    beats: {
      sent: totals.sent,
      answered: totals.answered,
      rttMs: distribution(rttsMs.slice(-MOST_RTTS)) ?? null,
    },
    verdict,
    lost: totals.lost,
    drop,
    withoutMode: withoutMode(options, verdict),
    kernel: view,
    notes: [
      ...trustNotes(opened?.tls ?? null),
      ...(dropAfterMs === undefined ? [] : [...aboutDrop(drop), ...disturbance(loopDelay)]),
    ],
  };

  async function again(reason: string): Promise<void> {
    onEvent({
      event: 'reconnecting',
      time: wallClock(monotonicNow()),
      afterMs: RECONNECT_AFTER_MS,
      reason,
    });
    await pause(Math.min(RECONNECT_AFTER_MS, leftMs()), interruption);
  }
}

/** One connection, or what takes the place of one where each beat has its own. */
export function beating(
  kernel: Kernel,
  options: ProbeOptions,
  report: ProbeReport,
): ProbeConnection | FreshBeats {
  const { mode, speech } = options;
  return mode.heartbeat !== undefined && speech?.protocol.each === 'connection'
    ? new FreshBeats(kernel, options, report, { heartbeat: mode.heartbeat, speech })
    : new ProbeConnection(kernel, options, report);
}

/** Beats without a protocol are the kernel's: what it takes, and what it cannot do. */
function refuseUnaskable(
  { capabilities }: Kernel,
  { mode, speech, dropAfterMs }: ProbeOptions,
): void {
  const { heartbeat, keepalive, userTimeoutMs } = mode;
  if (speech?.protocol.each === 'connection' && dropAfterMs !== undefined) {
    throw new TcpaliveError(
      'BAD_USAGE',
      `--drop-after cuts one connection, and each beat of ${speech.protocol.name} takes its own`,
    );
  }
  if (heartbeat === undefined || speech !== undefined) return;
  const hint = 'with --protocol tcpalive, or another, beats are bytes of ours';
  const unknown = 'nothing is known of what that port speaks, so beats are keepalive probes: ';
  if (heartbeat.intervalMs < SILENT_BEFORE_PROBE_MS) {
    const message = `${unknown}at most one a second, not one in ${formatDuration(heartbeat.intervalMs)}`;
    throw new TcpaliveError('BAD_USAGE', message, { hint });
  }
  if (keepalive !== undefined || userTimeoutMs !== undefined) {
    const message = `${unknown}not together with keepalive or user-timeout`;
    throw new TcpaliveError('BAD_USAGE', message, { hint });
  }
  if (!capabilities.tcpInfo || !capabilities.keepaliveTuning) {
    const message = 'nothing is known of what that port speaks, and here no kernel can be asked';
    throw new TcpaliveError('NO_CAPABILITY', message, { hint });
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

function aboutDrop(drop: ProbeDrop | null): readonly string[] {
  if (drop === null) return ['the connection was not cut: it ended before that'];
  return drop.proven
    ? []
    : ['the cut is not proven: nothing arrived that could have been swallowed'];
}
