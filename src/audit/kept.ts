/** What an audit means for a client: how long that server keeps it, measured or by the model. */
import type { Fault, Load } from '../core/condition.js';
import { predict, type Prediction } from '../core/predict.js';
import { sysctlDefaults } from '../core/sysctl.js';
import type { Inference, MechanismKind } from '../core/vanish-inference.js';
import type { VanishLog } from '../core/vanish-log.js';
import type { Kept, KeptFor } from '../core/vanish-result.js';

/** Of the server's kernel nothing is known but what it did. */
const ASSUMING = 'a Linux server with default settings and no user timeout';

/** What ends a client by its program may do so with data in flight too. */
const BY_PROGRAM: ReadonlySet<MechanismKind> = new Set(['idle-timeout', 'heartbeat', 'ambiguous']);

export function keptBy(
  { noticed, noticedAfterMs, mechanism, quiet }: Omit<Inference, 'next'>,
  { load, watchedMs }: Pick<VanishLog, 'load' | 'watchedMs'>,
): Kept {
  const measured: KeptFor =
    noticed && noticedAfterMs !== null
      ? { kind: 'measured', afterMs: noticedAfterMs.ms }
      : {
          kind: 'longer',
          thanMs: watchedMs,
          // What has begun will end by itself; nothing but the model tells of what never came.
          ...(mechanism === 'none-seen' || load === 'write'
            ? byKernel(load, 'blackhole')
            : { prediction: BEGUN, assuming: ASSUMING }),
        };
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
            ...byKernel('write', 'blackhole'),
            ...(BY_PROGRAM.has(mechanism) && {
              assuming: `${ASSUMING}; its program may be sooner`,
            }),
          },
    hung:
      quiet.afterMs === null
        ? { kind: 'longer', thanMs: watchedMs, ...byKernel('idle', 'freeze') }
        : { kind: 'measured', afterMs: quiet.afterMs },
  };
}

const BEGUN: Prediction = { kind: 'unknown', rule: 'what was seen has not come to its end' };

/** Keepalive is off while data is in flight, and asks nobody but a kernel: it changes neither. */
function byKernel(load: Load, fault: Fault): { prediction: Prediction; assuming: string } {
  const situation = { mode: {}, load, fault, observer: 'server', hz: undefined } as const;
  return { prediction: predict({ ...situation, sysctls: sysctlDefaults }), assuming: ASSUMING };
}
