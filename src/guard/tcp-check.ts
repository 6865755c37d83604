/** Asks a server in its own protocol again and again, as `probe` does, over one connection or many. */
import { formatDuration } from '../core/duration.js';
import type { Endpoint } from '../core/endpoint.js';
import type { Ear, Sign } from '../core/guard/sign.js';
import type { ProbeVerdict, SilentParty } from '../core/probe-result.js';
import type { Speech } from '../core/speech.js';
import { msBetween, type Instant } from '../core/time.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { hostFacts } from '../kernel/host-facts.js';
import type { Kernel } from '../kernel/kernel.js';
import { beating } from '../net/probe.js';
import type { ProbeOptions } from '../net/probe-options.js';
import { repeat, type Asked, type RepeatedOptions } from './repeated.js';

/** The timeout is for one answer, and for a connection with what opens it. */
export interface TcpCheckOptions extends RepeatedOptions {
  readonly remote: Endpoint;
  readonly speech: Speech;
  /**
   * Every question takes a connection of its own: then it is noticed, too, when nobody is let in any more.
   * Otherwise all take one, whose end is heard at once, and another after that.
   */
  readonly fresh: boolean;
}

/** Alive for each answer; a failure for each connection that could not be had, or ended while it was needed. */
export function watchTcp(
  kernel: Kernel,
  options: TcpCheckOptions,
  hear: (sign: Sign) => void,
): Ear {
  const host = hostFacts(kernel);
  const { intervalMs } = options;
  const ask = (interruption: AbortSignal) =>
    untilItFails(kernel, { ...probeOptions(options), host, interruption }, intervalMs, hear);
  return repeat(options, ask, hear);
}

async function untilItFails(
  kernel: Kernel,
  options: ProbeOptions,
  intervalMs: number,
  hear: (sign: Sign) => void,
): Promise<Asked> {
  const from = monotonicNow();
  let answeredAt: Instant | undefined;
  const failed = (reason: string): Sign => ({ kind: 'failed', by: 'tcp', reason });
  const connection = beating(kernel, options, {
    onEvent: ({ event }) => {
      if (event !== 'beat') return;
      answeredAt = monotonicNow();
      hear({ kind: 'alive', by: 'tcp' });
    },
    onRtt: () => undefined,
    wallClock: () => '', // nobody is told when
  });
  try {
    await connection.open();
  } catch (error) {
    if (!(error instanceof TcpaliveError)) throw error;
    return { sign: failed(error.message), waitedMs: msBetween(from, monotonicNow()) };
  }
  // Its detector knows our own stalls.
  const verdict = await connection.run(Infinity, Infinity);
  const reason = wordsOf(verdict);
  const hasEnded = verdict.kind === 'closed' && verdict.by === 'FIN' && verdict.detail === null;
  if (!hasEnded || answeredAt === undefined) return { sign: failed(reason), waitedMs: 0 };
  // Nothing was asked since: a server that takes a question a connection.
  const isDone = msBetween(answeredAt, monotonicNow()) < intervalMs / 2;
  const sign = isDone ? undefined : failed(`${reason}; --fresh asks each time on another one`);
  return { sign, waitedMs: 0 };
}

function probeOptions({ remote, speech, fresh, intervalMs, timeoutMs }: TcpCheckOptions) {
  const { protocol } = speech;
  return {
    remote,
    connectTimeoutMs: timeoutMs,
    mode: { heartbeat: { intervalMs, timeoutMs: intervalMs + timeoutMs } },
    speech: fresh ? { ...speech, protocol: { ...protocol, each: 'connection' as const } } : speech,
    guessed: false,
    count: undefined,
    durationMs: undefined,
    dropAfterMs: undefined,
    reconnect: false,
  };
}

const SILENT: Readonly<Record<SilentParty, string>> = {
  kernel: ', and its kernel is silent too',
  process: ': its kernel acknowledges, the process does not answer',
  unknown: '',
};

function wordsOf(verdict: ProbeVerdict): string {
  switch (verdict.kind) {
    case 'alive':
      return 'not asked any more';
    case 'dead':
      return verdict.by === 'heartbeat'
        ? `${noAnswerFor(verdict.silentMs)}${SILENT[verdict.where]}`
        : endedBy(verdict.by);
    case 'closed':
      return verdict.detail ?? endedBy(verdict.by);
    case 'unanswered':
      return verdict.detail ?? noAnswerFor(verdict.afterMs);
    case 'no-answer':
      if (verdict.detail !== null) return verdict.detail;
      return verdict.by === null || verdict.by === 'heartbeat'
        ? noAnswerFor(verdict.afterMs)
        : endedBy(verdict.by);
  }
}

function noAnswerFor(ms: number): string {
  return `no answer for ${formatDuration(Math.round(ms))}`;
}

function endedBy(by: string): string {
  return by === 'ECONNREFUSED' ? 'connection refused' : `its connection ended (${by})`;
}
