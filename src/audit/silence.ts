/** Going silent with no help from the other end, by the first engine that is seen to work. */
import { formatEndpoint } from '../core/endpoint.js';
import { addMs, type Instant } from '../core/time.js';
import type { VanishEngine, VanishLog } from '../core/vanish-log.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { Answer } from './questions.js';
import type { WatchedConnection } from './watched-connection.js';

const LOOK_EVERY_MS = 10;

export interface Silence {
  readonly engine: VanishEngine;
  /** On a connection for trial a probe of ours stayed unanswered, and without the engine did not. */
  readonly proven: boolean;
}

/**
 * @param openTrial a connection of its own: a server that is heard and answered meanwhile counts anew
 * @throws TcpaliveError NO_CAPABILITY where no engine can be had
 */
export async function chooseSilence(
  { capabilities }: Kernel,
  openTrial: () => Promise<WatchedConnection>,
  interruption: AbortSignal,
): Promise<Silence> {
  if (capabilities.socketFilter) return { engine: 'goodbye-filter', proven: false };
  if (await diesAtRouter(await openTrial(), interruption)) {
    return { engine: 'hop-limit', proven: true };
  }
  if (capabilities.minTtl) return { engine: 'min-ttl', proven: false };
  throw cannotVanish('neither a filter nor a minimum TTL can be had');
}

/**
 * From the turn in which it returns on, nothing of this connection is heard by one end or the other.
 * @param request said so that its answer cannot arrive; undefined: nothing is said
 * @throws TcpaliveError NO_CAPABILITY
 */
export function goSilent(
  connection: WatchedConnection,
  engine: VanishEngine,
  request: Uint8Array | undefined,
): void {
  connection.beginSilence();
  try {
    if (request === undefined) connection.cut(engine);
    else ask(connection, engine, request);
  } catch (error) {
    if (!(error instanceof KernelRefusal)) throw error;
    throw cannotVanish(`${formatEndpoint(connection.opened.remote)}: ${error.message}`);
  }
}

/** What cuts a connection for good, and what for as long as a request of ours is to be acknowledged. */
export function engineFor(engine: VanishEngine, load: VanishLog['load']): VanishEngine {
  return load === 'write' && engine === 'goodbye-filter' ? 'data-filter' : engine;
}

function ask(connection: WatchedConnection, engine: VanishEngine, request: Uint8Array): void {
  if (engine === 'hop-limit') {
    // The request must leave with the ordinary hop limit, what acknowledges its answer must not.
    connection.delayAcknowledgements();
    connection.say(request);
    connection.cut(engine);
  } else {
    // Acknowledged it is not sent again: every answer to that would lie among what is to be seen.
    connection.cut(engineFor(engine, 'write'));
    connection.say(request);
  }
}

/**
 * On the same host or link the hop limit does nothing, and says nothing: only a probe that stays
 * unanswered tells, and only when the same probe is answered without it.
 */
async function diesAtRouter(trial: WatchedConnection, interruption: AbortSignal): Promise<boolean> {
  try {
    if (trial.isOnLoopback) return false;
    trial.cut('hop-limit');
    if ((await asked(trial, interruption)) !== 'unanswered') return false;
    trial.heal();
    return (await asked(trial, interruption)) === 'acknowledged';
  } catch (error) {
    if (error instanceof KernelRefusal) return false;
    throw error;
  } finally {
    trial.close();
  }
}

/** What has become of a probe when its answer would be there. */
async function asked(trial: WatchedConnection, interruption: AbortSignal): Promise<Answer> {
  trial.ask();
  let until: Instant | undefined;
  while (!interruption.aborted && trial.ended === undefined) {
    await pause(LOOK_EVERY_MS, interruption);
    trial.look();
    const { answer } = trial;
    if (answer === 'unanswered') until ??= addMs(monotonicNow(), trial.patienceMs);
    const isOver = until !== undefined && monotonicNow() >= until;
    if (answer === 'acknowledged' || isOver) return answer;
  }
  return 'not-sent';
}

function cannotVanish(reason: string): TcpaliveError {
  return new TcpaliveError('NO_CAPABILITY', `no client can be made to vanish here: ${reason}`, {
    hint: 'it takes Linux with koffi: see tcpalive doctor',
  });
}
