/** What an audit means for a client: how long that server keeps it, measured or by the model. */
import { predict, type Prediction } from '../core/predict.js';
import type { KeepaliveSettings } from '../core/mode.js';
import { sysctlDefaults } from '../core/sysctl.js';
import type { Inference, MechanismKind } from '../core/vanish-inference.js';
import type { VanishLog } from '../core/vanish-log.js';
import type { Kept, KeptFor } from '../core/vanish-result.js';

/** Of the server's kernel nothing is known but what it did. */
const ASSUMING = 'a Linux server with default settings and no user timeout';

/** What ends a client by its program may do so with data in flight too. */
const BY_PROGRAM: ReadonlySet<MechanismKind> = new Set(['idle-timeout', 'heartbeat', 'ambiguous']);

export function keptBy(
  { noticed, noticedAfterMs, inferred, mechanism, quiet }: Omit<Inference, 'next'>,
  { load, watchedMs }: Pick<VanishLog, 'load' | 'watchedMs'>,
): Kept {
  const measured: KeptFor =
    noticed && noticedAfterMs !== null
      ? { kind: 'measured', afterMs: noticedAfterMs.ms }
      : { kind: 'longer', thanMs: watchedMs };
  const keepalive = mechanism === 'keepalive' ? settingsOf(inferred) : undefined;
  return {
    idle:
      load === 'idle'
        ? measured
        : { kind: 'unknown', reason: 'measured with data in flight: run it without --load write' },
    write:
      load === 'write'
        ? measured
        : {
            kind: 'predicted',
            prediction: predicted(keepalive),
            assuming: BY_PROGRAM.has(mechanism)
              ? `${ASSUMING}; its program may be sooner`
              : ASSUMING,
          },
    hung:
      quiet.afterMs === null
        ? { kind: 'longer', thanMs: watchedMs }
        : { kind: 'measured', afterMs: quiet.afterMs },
  };
}

function predicted(keepalive: KeepaliveSettings | undefined): Prediction {
  return predict({
    mode: keepalive === undefined ? {} : { keepalive },
    load: 'write',
    fault: 'blackhole',
    observer: 'server',
    sysctls: sysctlDefaults,
    hz: undefined,
  });
}

function settingsOf({
  idleMs,
  intervalMs,
  count,
}: Inference['inferred']): KeepaliveSettings | undefined {
  if (idleMs === null || intervalMs === null || count === null) return undefined;
  const seconds = (ms: number) => Math.max(1, Math.round(ms / 1000));
  return { idleSeconds: seconds(idleMs.ms), intervalSeconds: seconds(intervalMs.ms), count };
}
