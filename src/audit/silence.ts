/** Going silent with no help from the other end, by the first engine that is seen to work. */
import { formatEndpoint } from '../core/endpoint.js';
import { addMs, type Instant } from '../core/time.js';
import type { VanishEngine } from '../core/vanish-log.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { WatchedConnection } from './watched-connection.js';

const LOOK_EVERY_MS = 10;

export interface Silence {
  readonly engine: VanishEngine;
  /** A probe of ours stayed unanswered: what we send does not arrive. */
  readonly proven: boolean;
}

/**
 * @param request said so that its answer cannot arrive; undefined: nothing is said
 * @throws TcpaliveError NO_CAPABILITY where no engine can be had
 */
export async function goSilent(
  { capabilities }: Kernel,
  connection: WatchedConnection,
  request: Uint8Array | undefined,
  interruption: AbortSignal,
): Promise<Silence> {
  try {
    if (capabilities.socketFilter) {
      return deafen(connection, request === undefined ? 'goodbye-filter' : 'data-filter', request);
    }
    if (await diesAtRouter(connection, interruption)) {
      if (request !== undefined) muteBehind(connection, request);
      return { engine: 'hop-limit', proven: true };
    }
    if (capabilities.minTtl) return deafen(connection, 'min-ttl', request);
  } catch (error) {
    if (!(error instanceof KernelRefusal)) throw error;
    throw cannotVanish(connection, error.message);
  }
  throw cannotVanish(connection, 'neither a filter nor a minimum TTL can be had');
}

/** Nothing arrives any more; what is said still does. */
function deafen(
  connection: WatchedConnection,
  engine: VanishEngine,
  request: Uint8Array | undefined,
): Silence {
  connection.beginSilence();
  connection.cut(engine);
  if (request !== undefined) connection.say(request);
  return { engine, proven: false };
}

/** The request leaves with the ordinary hop limit, before this returns; the acknowledgement of its answer does not. */
function muteBehind(connection: WatchedConnection, request: Uint8Array): void {
  connection.speakAgain();
  connection.beginSilence();
  connection.say(request);
  connection.cut('hop-limit');
}

/**
 * Leaves the connection silent when it is so. On the same host or link the hop limit does nothing, and
 * says nothing: only a probe that stays unanswered proves it.
 */
async function diesAtRouter(
  connection: WatchedConnection,
  interruption: AbortSignal,
): Promise<boolean> {
  if (connection.isOnLoopback) return false;
  connection.beginSilence();
  connection.cut('hop-limit');
  connection.ask();
  const { patienceMs } = connection;
  let unansweredUntil: Instant | undefined;
  while (!interruption.aborted && connection.ended === undefined) {
    await pause(LOOK_EVERY_MS, interruption);
    const { answer } = connection;
    if (answer === 'acknowledged') break;
    if (answer === 'unanswered') unansweredUntil ??= addMs(monotonicNow(), patienceMs);
    if (unansweredUntil !== undefined && monotonicNow() >= unansweredUntil) {
      connection.stopAsking();
      return true;
    }
  }
  connection.stopAsking();
  connection.speakAgain();
  return false;
}

function cannotVanish({ opened }: WatchedConnection, reason: string): TcpaliveError {
  const whose = formatEndpoint(opened.remote);
  return new TcpaliveError('NO_CAPABILITY', `a client of ${whose} cannot vanish: ${reason}`, {
    hint: 'it takes Linux with koffi: see tcpalive doctor',
  });
}
