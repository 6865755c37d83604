/**
 * How long does that server keep a client that vanished, and by which mechanism? One connection
 * stays reachable and says nothing, the others vanish; what the server does about them is the answer.
 *
 * Nothing is sent but what was asked for: an opening exchange, a request under load `write`, and now
 * and then a keepalive probe of our own kernel, which no program hears.
 */
import { formatEndpoint } from '../core/endpoint.js';
import type { ProbeProtocol } from '../core/probe-result.js';
import type { HostFacts } from '../core/result.js';
import type { VanishNews, VanishProgress, VanishResult } from '../core/vanish-result.js';
import { trustNotes } from '../core/tls.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import { disturbance, watchLoop } from '../net/loop-delay.js';
import type { Opened } from '../net/open-socket.js';
import type { Open } from '../net/opener.js';
import { consensus } from './consensus.js';
import { GREETED_WITHIN_MS } from './greeting.js';
import { keptBy } from './kept.js';
import { chooseSilence, goSilent, type Silence } from './silence.js';
import { VanishRun } from './vanish-run.js';
import { WatchedConnection } from './watched-connection.js';

export interface VanishOptions {
  /** As it was asked for, in words. */
  readonly target: string;
  readonly open: Open;
  /** In which both were spoken to before; null: nothing was said. */
  readonly protocol: ProbeProtocol | null;
  /** What asks the server for data whose arrival is prevented: load `write`; undefined: load `idle`. */
  readonly request: Uint8Array | undefined;
  readonly waitMs: number;
  /** How many vanish, at as many phases of a second. */
  readonly connections: number;
  readonly host: HostFacts;
  readonly interruption: AbortSignal;
}

/** A look takes microseconds. */
const LOOK_EVERY_MS = 10;
const TELL_EVERY_MS = 250;

/** Over which the connections are spread: what a server does once a second meets each phase. */
const PHASES_MS = 1000;

/** What an opening leaves to be acknowledged comes within 200 ms (TCP_DELACK_MAX). */
const STILL_MS = 250;
const STILL_WITHIN_MS = 5000;

/**
 * @throws TcpaliveError UNREACHABLE when not all connections can be had, NO_CAPABILITY where nothing
 *   can make one vanish
 */
export async function vanish(
  kernel: Kernel,
  options: VanishOptions,
  onProgress: (event: VanishProgress) => void,
): Promise<VanishResult> {
  const { waitMs, request, interruption } = options;
  const load = request === undefined ? 'idle' : 'write';
  if (!kernel.capabilities.tcpInfo || !kernel.capabilities.keepaliveTuning) throw cannotSee();
  const startedAt = new Date();
  const started = monotonicNow();
  const onEvent = (news: VanishNews) => {
    onProgress({ time: new Date().toISOString(), ...news });
  };
  const loop = watchLoop();
  /** The server is known to speak first: it is waited for. */
  let greets = false;
  const connections: WatchedConnection[] = [];
  try {
    let like: Opened | undefined;
    const openTrial = async () => {
      const trial = await open('trial');
      like = trial.opened;
      return trial;
    };
    const silence = await chooseSilence(kernel, openTrial, interruption);
    let begun = await beginAll(silence, like);
    const greetedLate = (await watch(begun.runs)) === 'greeted-late';
    if (greetedLate) {
      for (const connection of connections.splice(0)) connection.close();
      greets = true;
      onEvent({ event: 'greeted-late' });
      begun = await beginAll(silence, begun.quiet.opened);
      await watch(begun.runs);
    }
    const { quiet } = begun;
    const { remote, addresses, tls } = quiet.opened;
    for (const run of begun.runs) run.conclude();
    const runs = underLoad(begun.runs);
    const inference = consensus(runs.map((run) => run.inference));
    const vanished = runs.map((run) => run.result());
    const proven = vanished.every((each) => each.proven);
    const complete = !interruption.aborted;
    return {
      schema: 'tcpalive/vanish/1',
      complete,
      startedAt: startedAt.toISOString(),
      durationMs: Math.round(monotonicNow() - started),
      host: options.host,
      capabilities: kernel.capabilities,
      target: options.target,
      measured: formatEndpoint(remote),
      addresses,
      tls,
      protocol: options.protocol,
      engine: silence.engine,
      load,
      waitMs,
      watchedMs: Math.min(...vanished.map(({ watchedMs }) => watchedMs)),
      proven,
      provenBy: runs.find(({ provenBy }) => provenBy !== undefined)?.provenBy ?? null,
      ...inference,
      connections: vanished,
      kept: keptBy({ inference, load, complete, proven, vanished, quiet }),
      notes: [
        ...aboutLoad(begun.runs.length - runs.length, begun.runs.length),
        ...(greetedLate ? [GREETED_LATE] : []),
        ...trustNotes(tls),
        ...aboutTalk(connections),
        ...disturbance(loop.stop()),
      ],
    };
  } finally {
    loop.stop();
    for (const connection of connections) connection.close();
  }

  async function open(number: number | 'trial', like?: Opened): Promise<WatchedConnection> {
    const opened = await options.open(like);
    const name = number === 0 ? 'quiet' : 'vanished';
    const connection = new WatchedConnection(kernel, opened, name, (seen) => {
      if (number !== 'trial') onEvent({ event: 'seen', number, seen });
    });
    connections.push(connection);
    return connection;
  }

  function lookAtAll(): void {
    for (const connection of connections) connection.look();
  }

  /** The quiet one, and those that vanish. @throws TcpaliveError UNREACHABLE, NO_ANSWER */
  async function beginAll(
    silence: Silence,
    like: Opened | undefined,
  ): Promise<{ readonly quiet: WatchedConnection; readonly runs: readonly VanishRun[] }> {
    const quiet = await open(0, like);
    const { remote, addresses, tls } = quiet.opened;
    onEvent({ event: 'opened', measured: formatEndpoint(remote), addresses, tls });
    const phases = Array.from({ length: options.connections }, (_, at) => at);
    const looking = setInterval(lookAtAll, LOOK_EVERY_MS);
    const [attempts] = await all([
      all<readonly (VanishRun | undefined)[]>(phases.map((at) => begin(at, quiet, silence))),
      stillness(quiet).then(() => quiet.beginSilence()),
    ]).finally(() => clearInterval(looking));
    const runs = attempts.filter((run) => run !== undefined);
    if (runs.length === 0) throw nothingKnown(options.target);
    return { quiet, runs };
  }

  /** What an opening leaves to be said is over, so that the last word is known. */
  async function stillness(connection: WatchedConnection): Promise<void> {
    const opened = monotonicNow();
    const isWaitedFor = () =>
      greets && !connection.wasSpokenTo
        ? monotonicNow() - opened < GREETED_WITHIN_MS
        : connection.stillMs < STILL_MS && monotonicNow() - opened < STILL_WITHIN_MS;
    while (isWaitedFor()) {
      await pause(LOOK_EVERY_MS, interruption);
      if (connection.ended !== undefined) throw closedAtOnce(connection.ended);
      if (interruption.aborted) return;
    }
  }

  /** @throws TcpaliveError NO_ANSWER, NOT_PROVEN when no answer is in flight at all */
  function underLoad(runs: readonly VanishRun[]): readonly VanishRun[] {
    if (load === 'idle' || interruption.aborted) return runs;
    const loaded = runs.filter((run) => run.inFlight === 'yes');
    if (loaded.length > 0) return loaded;
    if (runs.every((run) => run.inFlight === 'acknowledged')) {
      throw new TcpaliveError(
        'NOT_PROVEN',
        `${options.target}: the answer was acknowledged before the client had vanished: nothing is in flight`,
        { hint: 'try again, or as root, where a filter can be had: the network is too fast' },
      );
    }
    throw new TcpaliveError(
      'NO_ANSWER',
      `${options.target} did not answer what was asked: nothing is in flight that could be lost`,
      { hint: 'ask what it answers: --protocol NAME, or --send TEXT' },
    );
  }

  function closedAtOnce(by: string): TcpaliveError {
    const how = by === 'fin' ? 'FIN' : 'RST';
    return new TcpaliveError(
      'NO_ANSWER',
      `${options.target} closed the connection at once (${how}): it keeps no client that could vanish`,
      { hint: 'does it want TLS (--tls), a conversation first (--protocol), or is it full?' },
    );
  }

  function isInterrupted(): boolean {
    return interruption.aborted;
  }

  /** Together with the quiet one, each at a phase of its own. Undefined: interrupted before. */
  async function begin(
    at: number,
    quiet: WatchedConnection,
    silence: Silence,
  ): Promise<VanishRun | undefined> {
    await pause((at * PHASES_MS) / options.connections, interruption);
    if (isInterrupted()) return undefined;
    const number = at + 1;
    const connection = await open(number, quiet.opened);
    await stillness(connection);
    if (isInterrupted()) return undefined;
    goSilent(connection, silence.engine, request);
    onEvent({ event: 'vanished', number, engine: silence.engine });
    return new VanishRun({ connection, number, quiet, silence, load, waitMs, onEvent });
  }

  /** Until each is over, or not one has begun rightly. */
  async function watch(runs: readonly VanishRun[]): Promise<'over' | 'greeted-late'> {
    // Who was asked first has answered: of what then comes nothing is a greeting.
    const mayBeGreeted = options.protocol === null && !greets;
    let toldAt = monotonicNow();
    while (!interruption.aborted && !runs.every(({ isOver }) => isOver)) {
      await pause(LOOK_EVERY_MS, interruption);
      // However late: no deadline is over unseen.
      lookAtAll();
      const now = monotonicNow();
      if (mayBeGreeted && runs.some((run) => run.greeting === 'late')) return 'greeted-late';
      for (const run of runs) run.step(now);
      const [first] = runs;
      if (first === undefined || now - toldAt < TELL_EVERY_MS) continue;
      toldAt = now;
      const { watchedMs, inference } = first;
      onEvent({ event: 'watching', watchedMs, waitMs, inference });
    }
    return 'over';
  }
}

const GREETED_LATE =
  'the server spoke first only after the client had vanished: it was begun anew, and waited for';

function aboutLoad(missed: number, of: number): readonly string[] {
  return missed === 0
    ? []
    : [`${missed} of ${of} are left out: no answer was in flight when they had vanished`];
}

function aboutTalk(connections: readonly WatchedConnection[]): readonly string[] {
  return connections.some(({ isTalkative }) => isTalkative)
    ? ['the server sent so much that not all of it is among the events']
    : [];
}

/** Waits for every one before it fails: what was opened meanwhile is known by then. */
async function all<T extends readonly unknown[]>(works: {
  readonly [K in keyof T]: Promise<T[K]>;
}): Promise<T> {
  await Promise.allSettled(works);
  return Promise.all(works) as Promise<unknown> as Promise<T>;
}

function nothingKnown(target: string): TcpaliveError {
  return new TcpaliveError(
    'UNREACHABLE',
    `${target}: interrupted before a client had vanished: nothing is known`,
  );
}

function cannotSee(): TcpaliveError {
  return new TcpaliveError('NO_CAPABILITY', 'what a server sends cannot be seen without TCP_INFO', {
    hint: 'it takes Linux with koffi: see tcpalive doctor',
  });
}
