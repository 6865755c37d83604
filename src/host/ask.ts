/**
 * Settles `forever`: the kernel is made to send one keepalive probe on each such connection, and what
 * it hears is read from its TCP_INFO. Nothing is closed, and the options found before are put back.
 * They are on disk before the first is changed (undo.ts): whatever ends us, they can be put back.
 */
import { addMs, msBetween, type Instant } from '../core/time.js';
import type { Ask, Connection } from '../core/survey.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import type { OptionValues, TcpInfo } from '../kernel/socket-view.js';
import { reach, type Outcome, type Reachable } from './reach.js';
import type { UndoFile } from './undo.js';

export interface AskRequest {
  /** How long an answer may take. */
  readonly waitMs: number;
  readonly undo: UndoFile;
  readonly interruption: AbortSignal;
  /** Of those without a timer; default: all. */
  readonly only?: ((connection: Connection) => boolean) | undefined;
  readonly onAsked: (asked: number, of: number) => void;
}

/** So many probes leave at once, and so long after the next so many: two thousand a second. */
const BATCH = 100;
const BATCH_EVERY_MS = 50;

/** The kernel probes after so long a silence at the earliest: TCP_KEEPIDLE takes whole seconds. */
const SHORTEST_IDLE_MS = 1000;

/** The kernel keeps the time of the last segment in ticks, of at most this. */
const TICK_MS = 10;

/** No second probe and no verdict before we are back: the most that the options take. */
const PROBE_ONCE = { keepalive: true, idleSeconds: 1, intervalSeconds: 32_767, count: 127 };

/** What each connection that has no timer answered; those that could not be asked say why. */
export async function ask(
  kernel: Kernel,
  connections: readonly Connection[],
  request: AskRequest,
): Promise<ReadonlyMap<Connection, Ask>> {
  const answers = new Map<Connection, Ask>();
  const targets: Target[] = [];
  for (const connection of connections) {
    const { fate, process, cookie, local, peer } = connection;
    if (fate.kind !== 'forever' || request.only?.(connection) === false) continue;
    if (process === null || cookie === null) answers.set(connection, HELD_BY_NONE);
    else targets.push({ connection, pid: process.pid, fd: process.fd, cookie, local, peer });
  }
  let asked = 0;
  await Promise.all(
    batches(targets).map(async (batch, number) => {
      await pause(number * BATCH_EVERY_MS, request.interruption);
      const outcomes = await askBatch(kernel, batch, request);
      for (const [target, outcome] of outcomes) answers.set(target.connection, answerFrom(outcome));
      asked += batch.length;
      request.onAsked(asked, targets.length);
    }),
  );
  return answers;
}

interface Target extends Reachable, Pick<Connection, 'local' | 'peer'> {
  readonly cookie: string;
  readonly connection: Connection;
}

type Outcomes = ReadonlyMap<Target, Outcome<Ask>>;

/** One after the other each is read and put on record, probed, and heard. */
async function askBatch(
  kernel: Kernel,
  batch: readonly Target[],
  { waitMs, undo, interruption }: AskRequest,
): Promise<Outcomes> {
  if (interruption.aborted) return all(batch, INTERRUPTED);
  const before = reach(kernel, batch, (fd) => kernel.optionValues(fd));
  const readable = done(before);
  undo.append(
    [...readable].map(([{ pid, fd, cookie, local, peer }, values]) => {
      return { pid, fd, cookie, local, peer, values };
    }),
  );
  const probed = reach(kernel, [...readable.keys()], (fd, target) =>
    probeOnce(kernel, fd, readable.get(target)),
  );
  const leaving = done(probed);
  const now = monotonicNow();
  const lastMs = Math.max(0, ...[...leaving.values()].map((at) => msBetween(now, at)));
  await pause(lastMs + waitMs, interruption);
  const heard = reach(kernel, [...leaving.keys()], (fd, target) => {
    const answer = hear(kernel.tcpInfo(fd), leaving.get(target) ?? now);
    const values = readable.get(target);
    if (values !== undefined) kernel.setOptionValues(fd, values);
    return answer.kind === 'silent' && interruption.aborted ? INTERRUPTED : answer;
  });
  return new Map([...without(before), ...without(probed), ...heard]);
}

/** @returns when the probe leaves: at once, but not before a second of silence */
function probeOnce(kernel: Kernel, fd: number, before: OptionValues | undefined): Instant {
  const info = kernel.tcpInfo(fd);
  const silentMs = info === undefined ? 0 : silenceOf(info);
  kernel.setOptionValues(fd, { userTimeoutMs: 0, ...before, ...PROBE_ONCE });
  return addMs(monotonicNow(), Math.max(0, SHORTEST_IDLE_MS - silentMs));
}

/** Whatever came before the probe came a second before it. An RST has ended the connection. */
function hear(info: TcpInfo | undefined, leftAt: Instant): Ask {
  if (info === undefined || info.state === 'CLOSE') return { kind: 'ended' };
  const sinceMs = msBetween(leftAt, monotonicNow()) + TICK_MS;
  return { kind: silenceOf(info) <= sinceMs ? 'answers' : 'silent' };
}

function silenceOf({ lastAckReceivedMs, lastDataReceivedMs }: TcpInfo): number {
  return Math.min(lastAckReceivedMs, lastDataReceivedMs);
}

const INTERRUPTED: Ask = { kind: 'not-asked', reason: 'interrupted' };

const HELD_BY_NONE: Ask = {
  kind: 'not-asked',
  reason: 'no process that this user may look into holds it',
};

function answerFrom(outcome: Outcome<Ask>): Ask {
  switch (outcome.kind) {
    case 'done':
      return outcome.value;
    case 'gone':
      return { kind: 'ended' };
    case 'refused':
      return { kind: 'not-asked', reason: outcome.reason };
  }
}

function done<T>(outcomes: ReadonlyMap<Target, Outcome<T>>): ReadonlyMap<Target, T> {
  const values = new Map<Target, T>();
  for (const [target, outcome] of outcomes) {
    if (outcome.kind === 'done') values.set(target, outcome.value);
  }
  return values;
}

/** Those that came to nothing. */
function without<T>(
  outcomes: ReadonlyMap<Target, Outcome<T>>,
): readonly (readonly [Target, Outcome<never>])[] {
  return [...outcomes].flatMap(([target, outcome]) =>
    outcome.kind === 'done' ? [] : [[target, outcome] as const],
  );
}

function all(batch: readonly Target[], value: Ask): Outcomes {
  return new Map(batch.map((target) => [target, { kind: 'done', value }] as const));
}

function batches<T>(items: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / BATCH);
  return Array.from({ length: count }, (_, at) => items.slice(at * BATCH, (at + 1) * BATCH));
}
