/**
 * Settles `forever`: the kernel is made to send one keepalive probe on each such connection, and
 * whether anything came back is read from its TCP_INFO; where nothing did, whether the probe can have
 * left this host at all (ways-out.ts). Nothing is closed, and the options found before are put back.
 * They are on disk before the first is changed (undo.ts): whatever ends us, they can be put back.
 */
import { addMs, msBetween, type Instant } from '../core/time.js';
import type { Ask, Connection } from '../core/survey.js';
import { monotonicNow } from '../kernel/clock.js';
import { pause } from '../kernel/interruption.js';
import type { Kernel } from '../kernel/kernel.js';
import type { OptionValues, TcpInfo } from '../kernel/socket-view.js';
import { ASKING, MOST_PROBES, putBack } from './ask-options.js';
import { Owners } from './owners.js';
import { reach, type Outcome, type Reachable } from './reach.js';
import type { UndoFile } from './undo.js';
import { settledWaysOut, waysOut, whyClosed, whyUnheard } from './ways-out.js';

export interface AskRequest {
  /** How long an answer may take. */
  readonly waitMs: number;
  readonly undo: UndoFile;
  readonly interruption: AbortSignal;
  /** Of those without a timer; default: all. */
  readonly only?: ((connection: Connection) => boolean) | undefined;
  readonly onAsked: (asked: number, of: number) => void;
}

export interface Asked {
  readonly answers: ReadonlyMap<Connection, Ask>;
  /** Their options could not be put back: it takes their record. */
  readonly leftChanged: number;
}

/** So many probes leave at once, and so long after the next so many: two thousand a second. */
const BATCH = 100;
const BATCH_EVERY_MS = 50;

/** The kernel probes after so long a silence at the earliest: TCP_KEEPIDLE takes whole seconds. */
const SHORTEST_IDLE_MS = ASKING.idleSeconds * 1000;

/** Whoever has not answered in so many retransmission timeouts is late by TCP's own measure. */
const PATIENCE = 3;
const LONGEST_ANSWER_MS = 10_000;

/** A timer of a second is late by up to 8 ticks of 10 ms (LVL_GRAN, kernel/time/timer.c). */
const TIMER_LATE_MS = 80;

/** What each connection that has no timer answered; those that could not be asked say why. */
export async function ask(
  kernel: Kernel,
  connections: readonly Connection[],
  request: AskRequest,
): Promise<Asked> {
  const answers = new Map<Connection, Ask>();
  const targets: Target[] = [];
  for (const connection of connections) {
    const { fate, process, cookie, local, peer } = connection;
    if (fate.kind !== 'forever' || request.only?.(connection) === false) continue;
    if (process === null || cookie === null) answers.set(connection, HELD_BY_NONE);
    else targets.push({ connection, pid: process.pid, fd: process.fd, cookie, local, peer });
  }
  let asked = 0;
  let leftChanged = 0;
  const asking = batches(targets).map(async (batch, number) => {
    await pause(number * BATCH_EVERY_MS, request.interruption);
    const outcomes = await askBatch(kernel, batch, request);
    for (const [target, answer] of outcomes.answers) answers.set(target.connection, answer);
    leftChanged += outcomes.leftChanged;
    asked += [...outcomes.answers.values()].filter((answer) => answer !== INTERRUPTED).length;
    request.onAsked(asked, targets.length);
  });
  try {
    await Promise.all(asking);
  } finally {
    // Whatever ended one batch, the others have options to put back.
    await Promise.allSettled(asking);
  }
  return { answers, leftChanged };
}

interface Target extends Reachable, Pick<Connection, 'local' | 'peer'> {
  readonly cookie: string;
  readonly connection: Connection;
}

/** A probe that leaves. */
interface Probe {
  readonly kind: 'probe';
  readonly leavesAt: Instant;
  /** How long an answer may take on a path like this one. */
  readonly answerMs: number;
  /** Of that moment. */
  readonly segmentsIn: number;
  readonly unanswered: number;
}

interface BatchAnswers {
  readonly answers: ReadonlyMap<Target, Ask>;
  readonly leftChanged: number;
}

/** Whom nothing can reach is not asked; and silent is nobody whom nothing has reached. */
async function askBatch(
  kernel: Kernel,
  batch: readonly Target[],
  request: AskRequest,
): Promise<BatchAnswers> {
  const before = waysOut(kernel, batch.map(connectionOf));
  const answers = new Map<Target, Ask>();
  const reachable = batch.filter((target) => {
    const reason = whyClosed(before.get(target.connection));
    if (reason !== undefined) answers.set(target, noWayOut(reason));
    return reason === undefined;
  });
  const { answers: heard, leftChanged } = await probeBatch(kernel, reachable, request);
  for (const [target, answer] of heard) answers.set(target, answer);

  const { interruption } = request;
  const silent = reachable.filter((target) => heard.get(target)?.kind === 'silent');
  const after = await settledWaysOut(kernel, silent.map(connectionOf), interruption);
  for (const target of silent) {
    const { connection } = target;
    const reason = whyUnheard(before.get(connection), after.get(connection));
    if (reason === undefined) continue;
    answers.set(target, interruption.aborted ? INTERRUPTED : noWayOut(reason));
  }
  return { answers, leftChanged };
}

function connectionOf({ connection }: Target): Connection {
  return connection;
}

/** One after the other each is read and put on record, probed, and heard. */
async function probeBatch(
  kernel: Kernel,
  batch: readonly Target[],
  { waitMs, undo, interruption }: AskRequest,
): Promise<BatchAnswers> {
  if (interruption.aborted) return { answers: same(batch, INTERRUPTED), leftChanged: 0 };
  const answers = new Map<Target, Ask>();

  const before = new Map<Target, OptionValues>();
  for (const [target, outcome] of reachWhereverHeld(kernel, batch, (fd) =>
    kernel.optionValues(fd),
  )) {
    if (outcome.kind !== 'done') answers.set(target, withoutAnswer(outcome));
    // Its program, or another ask: then those are not the options to put back.
    else if (outcome.value.keepalive) answers.set(target, TURNED_ON);
    else before.set(target, outcome.value);
  }
  undo.append(
    [...before].map(([{ pid, fd, cookie, local, peer }, values]) => {
      return { pid, fd, cookie, local, peer, values };
    }),
  );

  const probes = new Map<Target, Probe>();
  const send = (fd: number, target: Target) => probe(kernel, fd, before.get(target));
  for (const [target, outcome] of reachWhereverHeld(kernel, [...before.keys()], send)) {
    if (outcome.kind !== 'done') answers.set(target, withoutAnswer(outcome));
    else if (outcome.value.kind === 'probe') probes.set(target, outcome.value);
    else answers.set(target, outcome.value);
  }
  const now = monotonicNow();
  const waits = [...probes.values()].map(
    ({ leavesAt, answerMs }) => msBetween(now, leavesAt) + Math.max(waitMs, answerMs),
  );
  await pause(Math.max(0, ...waits) + TIMER_LATE_MS, interruption);

  const hear = (fd: number, target: Target): Ask => {
    const info = kernel.tcpInfo(fd);
    const values = before.get(target);
    if (values !== undefined) putBack(kernel, fd, values);
    const answer = answerOf(info, probes.get(target));
    const isSettled = answer.kind === 'answers' || answer.kind === 'ended';
    return interruption.aborted && !isSettled ? INTERRUPTED : answer;
  };
  const heard = reachWhereverHeld(kernel, [...probes.keys()], hear);
  let leftChanged = 0;
  for (const [target, outcome] of heard) {
    if (outcome.kind === 'refused') leftChanged++;
    answers.set(target, outcome.kind === 'done' ? outcome.value : withoutAnswer(outcome));
  }
  return { answers, leftChanged };
}

/** @returns when the probe leaves: at once, but not before a second of silence */
function probe(kernel: Kernel, fd: number, before: OptionValues | undefined): Probe | Ask {
  const info = kernel.tcpInfo(fd);
  if (info === undefined) return { kind: 'ended' };
  if (info.probes >= MOST_PROBES) return WORN_OUT;
  const { lastAckReceivedMs, lastDataReceivedMs, segmentsIn, probes: unanswered } = info;
  const silentMs = Math.min(lastAckReceivedMs, lastDataReceivedMs);
  try {
    kernel.setOptionValues(fd, ASKING);
  } catch (error) {
    // Some of them may have been set.
    if (before !== undefined) putBack(kernel, fd, before);
    throw error;
  }
  const leavesAt = addMs(monotonicNow(), Math.max(0, SHORTEST_IDLE_MS - silentMs));
  const answerMs = Math.min(info.rtoMs * PATIENCE, LONGEST_ANSWER_MS);
  return { kind: 'probe', leavesAt, answerMs, segmentsIn, unanswered };
}

/**
 * By the kernel's counts and not by its times: on a busy machine we look late, and the probe may leave
 * late. Silent is only whoever left a probe unanswered. An RST has ended the connection.
 */
function answerOf(info: TcpInfo | undefined, asked: Probe | undefined): Ask {
  if (info === undefined || info.state === 'CLOSE') return { kind: 'ended' };
  if (info.segmentsIn !== asked?.segmentsIn) return { kind: 'answers' };
  return info.probes > asked.unanswered ? { kind: 'silent' } : NONE_LEFT;
}

/**
 * A server may hand a connection to another of its processes and close its own descriptor; and who
 * seemed to hold it may only have borrowed it, as we do.
 */
function reachWhereverHeld<T>(
  kernel: Kernel,
  targets: readonly Target[],
  work: (fd: number, target: Target) => T,
): ReadonlyMap<Target, Outcome<T>> {
  const outcomes = new Map(reach(kernel, targets, work));
  const moved = new Map<number, Target>();
  for (const [target, outcome] of outcomes) {
    if (outcome.kind !== 'gone') continue;
    const socket = kernel.socketDiag(target.local, target.peer, target.connection.interfaceIndex);
    if (socket?.cookie === target.cookie) moved.set(socket.inode, target);
  }
  if (moved.size === 0) return outcomes;
  const owners = new Owners(kernel.heldSockets());
  for (const [inode, target] of moved) {
    const holder = owners.of(inode);
    if (holder === undefined) continue;
    const there = { ...target, ...holder };
    const [outcome] = reach(kernel, [there], (fd) => work(fd, target)).values();
    if (outcome !== undefined) outcomes.set(target, outcome);
  }
  return outcomes;
}

const INTERRUPTED: Ask = { kind: 'not-asked', reason: 'interrupted' };

const TURNED_ON: Ask = { kind: 'not-asked', reason: 'its keepalive was turned on meanwhile' };

const NONE_LEFT: Ask = {
  kind: 'not-asked',
  reason: 'no probe has left: its program wrote, or changed its keepalive, meanwhile',
};

const WORN_OUT: Ask = {
  kind: 'not-asked',
  reason: `it has left ${MOST_PROBES} probes unanswered, and one more would end it`,
};

const HELD_BY_NONE: Ask = {
  kind: 'not-asked',
  reason: 'no process that this user may look into holds it',
};

function noWayOut(reason: string): Ask {
  return { kind: 'no-way-out', reason };
}

function withoutAnswer(outcome: Exclude<Outcome<never>, { kind: 'done' }>): Ask {
  return outcome.kind === 'gone'
    ? { kind: 'ended' }
    : { kind: 'not-asked', reason: outcome.reason };
}

function same(batch: readonly Target[], answer: Ask): ReadonlyMap<Target, Ask> {
  return new Map(batch.map((target) => [target, answer] as const));
}

function batches<T>(items: readonly T[]): readonly (readonly T[])[] {
  const count = Math.ceil(items.length / BATCH);
  return Array.from({ length: count }, (_, at) => items.slice(at * BATCH, (at + 1) * BATCH));
}
