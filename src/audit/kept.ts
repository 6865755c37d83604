/** What an audit means for a client: how long that server keeps it, measured or by the model. */
import type { Fault, Load } from '../core/condition.js';
import { predict, type Prediction } from '../core/predict.js';
import { sysctlDefaults } from '../core/sysctl.js';
import type { Estimate, Inference, MechanismKind } from '../core/vanish-inference.js';
import type { VanishEvent, VanishLog } from '../core/vanish-log.js';
import type { Kept, KeptFor, VanishedConnection } from '../core/vanish-result.js';
import type { WatchedConnection } from './watched-connection.js';

export interface Audited {
  readonly inference: Omit<Inference, 'next'>;
  readonly load: VanishLog['load'];
  readonly complete: boolean;
  readonly proven: boolean;
  readonly vanished: readonly Pick<
    VanishedConnection,
    'noticed' | 'watchedMs' | 'lifted' | 'unansweredMs'
  >[];
  /** As it was last seen, which may be after what the inference rests on. */
  readonly quiet: Pick<WatchedConnection, 'events' | 'silentMs' | 'isTalkative'>;
}

/** Of the server's kernel nothing is known but what it did. */
const ASSUMING = 'a Linux server with default settings and no user timeout';

/** What ends a client by its program may do so with data in flight too. */
const BY_PROGRAM: ReadonlySet<MechanismKind> = new Set([
  'idle-timeout',
  'heartbeat',
  'send-timeout',
  'ambiguous',
]);

export function keptBy(audited: Audited): Kept {
  const { inference, load } = audited;
  const measured = vanishedKept(audited);
  const assuming = BY_PROGRAM.has(inference.mechanism)
    ? `${ASSUMING}; its program may be sooner`
    : ASSUMING;
  const predicted: KeptFor = {
    kind: 'predicted',
    ...byKernel('write', 'blackhole'),
    assuming,
  };
  return {
    idle: load === 'idle' ? measured : unknown('data was in flight; without --load write it is'),
    write: load === 'write' ? measured : (unansweredKept(audited) ?? predicted),
    hung: hungKept(audited),
  };
}

/** Data of the server's own is a reply too. */
function unansweredKept({ vanished }: Audited): KeptFor | undefined {
  const [first, ...others] = vanished.map(({ unansweredMs }) => unansweredMs);
  if (!first || others.includes(null)) return undefined;
  return { kind: 'measured', afterMs: first };
}

function vanishedKept({ inference, load, complete, proven, vanished }: Audited): KeptFor {
  const { noticed, noticedAfterMs, mechanism } = inference;
  if (noticed && noticedAfterMs !== null) return { kind: 'measured', afterMs: noticedAfterMs };
  const noticing = vanished.filter((each) => each.noticed).length;
  if (noticing > 0) {
    return unknown(`${noticing} of ${vanished.length} were given up: connections has each`);
  }
  if (!complete) return unknown('it was interrupted');
  if (!proven) return unknown('nothing shows that it had vanished');
  if (vanished.some(({ lifted }) => lifted === 'none')) {
    return unknown('the server did not answer when it was asked at the end');
  }
  const thanMs = Math.min(...vanished.map(({ watchedMs }) => watchedMs));
  // What has begun will end by itself; of what never came only the model tells.
  return mechanism === 'none-seen' || load === 'write'
    ? { kind: 'longer', thanMs, ...byKernel(load, 'blackhole') }
    : { kind: 'longer', thanMs, prediction: BEGUN, assuming: ASSUMING };
}

/** A hung program reads nothing, and its kernel answers: so does the quiet one's, which has room for a little. */
function hungKept({ quiet }: Audited): KeptFor {
  if (quiet.isTalkative) {
    return unknown('the server sends so much that a hung client would have no room for it');
  }
  const end = quiet.events.find(({ kind }) => kind === 'fin' || kind === 'reset');
  return end === undefined
    ? { kind: 'longer', thanMs: quiet.silentMs, ...byKernel('idle', 'freeze') }
    : { kind: 'measured', afterMs: momentOf(end) };
}

function momentOf({ atMs, withinMs }: VanishEvent): Estimate {
  return { ms: atMs, min: atMs - withinMs, max: atMs };
}

const BEGUN: Prediction = { kind: 'unknown', rule: 'what was seen has not come to its end' };

/** Keepalive is off while data is in flight, and asks nobody but a kernel: it changes neither. */
function byKernel(load: Load, fault: Fault): { prediction: Prediction; assuming: string } {
  const situation = { mode: {}, load, fault, observer: 'server', hz: undefined } as const;
  return { prediction: predict({ ...situation, sysctls: sysctlDefaults }), assuming: ASSUMING };
}

function unknown(reason: string): KeptFor {
  return { kind: 'unknown', reason };
}
