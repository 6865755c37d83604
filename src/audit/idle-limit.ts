/**
 * The longest silence that a path survives: NAT, load balancers and firewalls forget a connection that
 * says nothing, and tell nobody. Many connections are silent at the same time, each for a time of its
 * own, and are then asked by their kernel; no byte of ours is sent, so it works with any server.
 */
import { formatEndpoint } from '../core/endpoint.js';
import type { IdleLimitEvent, IdleLimitResult } from '../core/idle-limit-result.js';
import type { KeepaliveSettings } from '../core/mode.js';
import type { ProbeProtocol } from '../core/probe-result.js';
import type { HostFacts } from '../core/result.js';
import { safeKeepalive } from '../core/safe-keepalive.js';
import { msBetween } from '../core/time.js';
import { trustNotes } from '../core/tls.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Opened } from '../net/open-socket.js';
import { IdleLimitRun } from './idle-limit-run.js';

export interface IdleLimitOptions {
  /** `192.0.2.7:443`, for the result. */
  readonly target: string;
  /**
   * A connection that is ready to fall silent, in the turn that made it so; to the same address as
   * `like`. @throws TcpaliveError
   */
  readonly open: (like: Opened | undefined) => Promise<Opened>;
  /** Which it speaks before; null: nothing is said. */
  readonly protocol: ProbeProtocol | null;
  /** The longest silence to try. */
  readonly waitMs: number;
  /** At the same time, `BESIDE` among them. */
  readonly connections: number;
  /** To be tried beside; undefined: what ought to be safe. */
  readonly keepalive: KeepaliveSettings | 'system' | undefined;
  readonly host: HostFacts;
  readonly interruption: AbortSignal;
}

/**
 * @throws TcpaliveError UNREACHABLE when not one connection can be made, NO_CAPABILITY where the
 *   kernel does not say what it hears
 */
export async function measureIdleLimit(
  kernel: Kernel,
  options: IdleLimitOptions,
  onEvent: (event: IdleLimitEvent) => void,
): Promise<IdleLimitResult> {
  refuseWithoutCapabilities(kernel);
  const startedAt = new Date();
  const started = monotonicNow();
  const run = new IdleLimitRun(kernel, options, onEvent);
  try {
    await run.findLimit();
    const { verdict } = run;
    await run.findKeepalive();
    const { livedMs } = verdict;
    const safe = safeKeepalive(livedMs, options.host.hz ?? undefined);
    return {
      schema: 'tcpalive/idle-limit/1',
      complete: !options.interruption.aborted,
      startedAt: startedAt.toISOString(),
      durationMs: Math.round(msBetween(started, monotonicNow())),
      host: options.host,
      capabilities: kernel.capabilities,
      target: options.target,
      measured: run.used === undefined ? options.target : formatEndpoint(run.used.remote),
      addresses: run.used?.addresses ?? [],
      tls: run.used?.tls ?? null,
      protocol: options.protocol,
      waitMs: options.waitMs,
      connections: run.opened,
      verdict,
      keepalive: run.keepalive,
      safeKeepalive:
        livedMs === 0
          ? { kind: 'unknown' }
          : safe === undefined
            ? { kind: 'none' }
            : { kind: 'settings', ...safe },
      trials: run.trials,
      notes: [...trustNotes(run.used?.tls ?? null), ...run.notes],
    };
  } finally {
    run.close();
  }
}

/** @throws TcpaliveError NO_CAPABILITY */
function refuseWithoutCapabilities({ capabilities }: Kernel): void {
  if (capabilities.tcpInfo && capabilities.keepaliveTuning) return;
  throw new TcpaliveError('NO_CAPABILITY', 'nothing here can ask a connection without a byte', {
    hint: 'it takes Linux with koffi: see tcpalive doctor',
  });
}
