/** One row of a comparison while it runs: its connections, their healthy twins, their verdicts. */
import type { Observer } from '../core/condition.js';
import { beatsOnly } from '../core/mode.js';
import type { RowEvent } from '../core/progress.js';
import type { DropEngine, DropResult } from '../core/result.js';
import type { RowPlan } from '../core/row.js';
import { msBetween, type Instant } from '../core/time.js';
import type { Evidence, Notice, RowOutcome } from '../core/verdict.js';
import { TcpaliveError } from '../errors.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Remote } from './channel.js';
import { evidenceOf } from './evidence.js';
import { pause } from '../net/interruption.js';
import type { Peer } from './peer.js';
import type { EndCause } from '../net/connection.js';
import { proveCut } from './proof.js';
import {
  LOAD_BYTES,
  type ConnectionId,
  type CutMark,
  type Snapshot,
  type Station,
  type StationEvent,
} from './station.js';

export interface RowParts {
  readonly kernel: Kernel;
  readonly plan: RowPlan;
  readonly ids: readonly ConnectionId[];
  readonly twins: readonly ConnectionId[];
  /** The observer's own end. */
  readonly station: Station;
  /** The end that vanishes, and the one of the healthy twins. */
  readonly peer: Peer;
  readonly twinPeer: Peer;
  readonly observer: Observer;
  readonly engine: DropEngine | null;
}

/** The picture shows when the kernel sends, not how much: asking all would disturb what is measured. */
const ACTIVITY_CONNECTIONS = 20;

/** Over less time a rate would say nothing. */
const SHORTEST_COUNT_MS = 2000;

/** An answer and its delayed acknowledgement are through by then. */
const LOAD_ANSWERED_MS = 250;

const MS_PER_HOUR = 3_600_000;

export class RowRun {
  readonly plan: RowPlan;
  readonly ids: readonly ConnectionId[];
  readonly #parts: RowParts;
  readonly #report: (event: RowEvent) => void;
  readonly #twins: ReadonlySet<ConnectionId>;
  readonly #notices = new Map<ConnectionId, Notice>();
  #marks: ReadonlyMap<ConnectionId, CutMark> = new Map();
  #peerMarks: ReadonlyMap<ConnectionId, CutMark> = new Map();
  #drop: DropResult | null = null;
  #dropExpectedAt: Instant | undefined;
  #droppedAt: Instant | undefined;
  #waitedMs = 0;
  #falseAlarms = 0;
  #lostBeforeDrop = 0;
  #evidence: readonly Evidence[] = [];
  #packetsPerHour: number | null = null;
  #beats = 0;
  readonly #segmentsOut = new Map<ConnectionId, number>();

  constructor(parts: RowParts, report: (event: RowEvent) => void) {
    this.#parts = parts;
    this.#report = report;
    this.plan = parts.plan;
    this.ids = parts.ids;
    this.#twins = new Set(parts.twins);
  }

  /**
   * Opens over the plan's span, so that one drop meets every phase of the mode.
   * @param dropExpectedAt what is reported until then is told relative to it
   */
  async open(dropExpectedAt: Instant): Promise<void> {
    this.#dropExpectedAt = dropExpectedAt;
    const { peer, twinPeer, twins } = this.#parts;
    await Promise.all([
      this.#open(peer.station, this.ids),
      ...(twins.length === 0 ? [] : [this.#open(twinPeer.station, twins)]),
    ]);
  }

  /** After that time: drops, proves the drop, watches as long as planned, and reads what the kernel says at the end. */
  async watch(afterMs: number, interruption: AbortSignal): Promise<void> {
    await pause(afterMs, interruption);
    if (this.plan.waited && !interruption.aborted) {
      await this.#dropPeers();
      this.#report({ kind: 'dropped' });
      await Promise.all([
        this.#prove(),
        this.#countPackets(interruption),
        pause(this.plan.waitMs, interruption),
      ]);
    }
    this.#waitedMs = this.#droppedAt === undefined ? 0 : msBetween(this.#droppedAt, monotonicNow());
    this.#evidence = this.#readEvidence();
    await this.#proveTowardsPeer();
    this.#report({ kind: 'row-done' });
  }

  /** What happened to one of this row's connections. */
  take(event: StationEvent): void {
    if (event.kind === 'received') {
      if (!this.#twins.has(event.id)) this.#beats++;
      return;
    }
    const { id, at, by } = event;
    if (by === 'local') return; // our own clearing up
    const mark = this.#marks.get(id);
    if (mark !== undefined) {
      const fromDropMs = msBetween(mark.at, at);
      const fromLastActivityMs = this.#fromLastActivity(mark, fromDropMs, event);
      this.#notices.set(id, { fromDropMs, fromLastActivityMs, by });
      this.#report({ kind: 'noticed', atMs: fromDropMs, by });
    } else if (this.#twins.has(id)) {
      this.#falseAlarms++;
      this.#report({ kind: 'false-alarm', atMs: this.#sinceDrop(at), by });
    } else {
      this.#lostBeforeDrop++;
    }
  }

  /** Beats before the drop, and what the kernel has sent by itself after it. */
  reportActivity(): void {
    const atMs = this.#sinceDrop(monotonicNow());
    if (this.#beats > 0) this.#report({ kind: 'beats', atMs, count: this.#beats });
    this.#beats = 0;
    const sent = this.#newSegments();
    if (this.#droppedAt !== undefined && sent > 0) {
      this.#report({ kind: 'segments', atMs, count: sent });
    }
  }

  outcome(provenTowardsPeer: boolean): RowOutcome {
    const { observer, twins } = this.#parts;
    const drop =
      this.#drop === null
        ? null
        : { ...this.#drop, proven: this.#drop.proven && provenTowardsPeer };
    const footnotes: string[] = [];
    const lost = this.#lostBeforeDrop;
    if (lost > 0) footnotes.push(`${lost} given up before the drop, counted as false alarms`);
    if (drop?.proven === false) footnotes.push('the drop is not proven for every connection');
    return {
      plan: this.plan,
      observer,
      connections: this.ids.length - lost,
      drop,
      waitedMs: this.#waitedMs,
      notices: [...this.#notices.values()],
      evidence: this.#evidence,
      healthy: { connections: twins.length + lost, falseAlarms: this.#falseAlarms + lost },
      packetsPerHour: this.#packetsPerHour,
      footnotes,
    };
  }

  async #open(peer: Remote<Station>, ids: readonly ConnectionId[]): Promise<void> {
    const { station, observer } = this.#parts;
    const { mode, spanMs: overMs } = this.plan;
    const listen = { replyDelayMs: 0, descriptors: null };
    let answered: readonly ConnectionId[];
    if (observer === 'client') {
      const { port } = await peer.listen({ ...listen, mode: {} });
      ({ answered } = await station.connect({ ids, overMs, port, mode }));
    } else {
      const { port } = await station.listen({ ...listen, mode });
      ({ answered } = await peer.connect({ ids, overMs, port, mode: beatsOnly(mode) }));
    }
    if (answered.length < ids.length) {
      throw new TcpaliveError(
        'LAB_FAILED',
        `only ${answered.length} of ${ids.length} connections of a row could be opened`,
        { hint: 'try fewer at a time: --connections 5' },
      );
    }
    const { frameEveryMs: everyMs } = this.plan;
    if (everyMs !== undefined) await peer.chatter({ ids, everyMs });
  }

  /**
   * The observer's end is cut first: from then on nothing can reach it, which is t = 0. A write
   * load follows at once, before anything else gets a turn.
   */
  async #dropPeers(): Promise<void> {
    const { plan, ids } = this;
    const { station, peer, twinPeer, twins, engine } = this.#parts;
    if (plan.frameEveryMs !== undefined) {
      await Promise.all([peer.station.hush({ ids }), twinPeer.station.hush({ ids: twins })]);
    }
    const write = (some: readonly ConnectionId[]) => {
      if (plan.load === 'write') station.send({ ids: some, bytes: LOAD_BYTES });
    };
    if (plan.fault === 'blackhole') {
      if (engine === null) throw new RangeError('a black hole needs an engine');
      this.#mark(
        ids.flatMap((id) => {
          const marks = station.cut({ ids: [id], engine });
          write([id]);
          return marks;
        }),
      );
      this.#peerMarks = byId(await peer.station.cut({ ids, engine }));
      await peer.station.send({ ids, bytes: LOAD_BYTES });
      const cutGapMs = longestGap(this.#marks, this.#peerMarks);
      this.#drop = { engine, proven: false, deliveredSegments: 0, cutGapMs };
    } else {
      if (plan.fault === 'freeze') peer.stop();
      this.#mark(this.#marksOf(ids));
      write(ids);
      if (plan.fault !== 'freeze') await peer.station.end({ ids, how: plan.fault });
    }
    write(twins);
  }

  #mark(marks: readonly CutMark[]): void {
    this.#marks = byId(marks);
    this.#droppedAt = monotonicNow();
  }

  /** Marks without a cut, for the faults that drop nothing. */
  #marksOf(ids: readonly ConnectionId[]): readonly CutMark[] {
    const at = monotonicNow();
    return this.#look(ids).map(({ id, info, drops }) => ({ id, at, info, drops }));
  }

  async #prove(): Promise<void> {
    if (this.#drop === null) return;
    const proof = await proveCut((ids) => this.#look(ids), this.#marks);
    this.#drop = { ...this.#drop, ...proof };
  }

  /** Under a write load the row's own segments show that nothing reaches the peer either. */
  async #proveTowardsPeer(): Promise<void> {
    if (this.#drop === null || this.plan.load !== 'write') return;
    const { peer } = this.#parts;
    const proof = await proveCut((ids) => peer.station.look({ ids }), this.#peerMarks);
    if (!proof.proven) this.#drop = { ...this.#drop, proven: false };
  }

  #fromLastActivity(
    { info }: CutMark,
    fromDropMs: number,
    { by, silentMs }: { readonly by: EndCause; readonly silentMs: number },
  ): number {
    const { load, fault } = this.plan;
    if (load === 'write' || fault === 'close' || fault === 'reset') return fromDropMs;
    if (by === 'heartbeat' || by === 'idle-timeout') return silentMs;
    return info === null
      ? fromDropMs
      : fromDropMs + Math.min(info.lastAckReceivedMs, info.lastDataReceivedMs);
  }

  #readEvidence(): readonly Evidence[] {
    const left = this.ids.filter((id) => !this.#notices.has(id));
    return this.#look(left).flatMap((snapshot) => evidenceOf(this.#parts.kernel, snapshot) ?? []);
  }

  /** What the healthy twins cost while they are idle: from when a write load has been answered. */
  async #countPackets(interruption: AbortSignal): Promise<void> {
    await pause(LOAD_ANSWERED_MS, interruption);
    const before = this.#packets();
    const startedAt = monotonicNow();
    await pause(this.plan.waitMs - 2 * LOAD_ANSWERED_MS, interruption);
    this.#packetsPerHour = this.#rate(before, msBetween(startedAt, monotonicNow()));
  }

  /** Segments in and out of each healthy twin so far. */
  #packets(): ReadonlyMap<ConnectionId, number> {
    const counts = this.#look(this.#parts.twins).flatMap(({ id, info }) =>
      info === null ? [] : [[id, info.segmentsIn + info.segmentsOut] as const],
    );
    return new Map(counts);
  }

  #rate(before: ReadonlyMap<ConnectionId, number>, elapsedMs: number): number | null {
    const after = [...this.#packets()].filter(([id]) => before.has(id));
    if (after.length === 0 || elapsedMs < SHORTEST_COUNT_MS) return null;
    const packets = after.reduce((sum, [id, count]) => sum + count - (before.get(id) ?? 0), 0);
    return Math.round((packets / after.length) * (MS_PER_HOUR / elapsedMs));
  }

  /** Sent since the last time, by the few connections that are looked at. */
  #newSegments(): number {
    let sent = 0;
    for (const { id, info } of this.#look(this.ids.slice(0, ACTIVITY_CONNECTIONS))) {
      if (info === null) continue;
      sent += info.segmentsOut - (this.#segmentsOut.get(id) ?? info.segmentsOut);
      this.#segmentsOut.set(id, info.segmentsOut);
    }
    return sent;
  }

  #look(ids: readonly ConnectionId[]): readonly Snapshot[] {
    return this.#parts.station.look({ ids });
  }

  #sinceDrop(at: Instant): number {
    if (this.#droppedAt !== undefined) return msBetween(this.#droppedAt, at);
    return this.#dropExpectedAt === undefined
      ? 0
      : Math.min(0, msBetween(this.#dropExpectedAt, at));
  }
}

function byId(marks: readonly CutMark[]): ReadonlyMap<ConnectionId, CutMark> {
  return new Map(marks.map((mark) => [mark.id, mark]));
}

function longestGap(
  ours: ReadonlyMap<ConnectionId, CutMark>,
  theirs: ReadonlyMap<ConnectionId, CutMark>,
): number {
  const gaps = [...theirs.values()].map(({ id, at }) => msBetween(ours.get(id)?.at ?? at, at));
  return Math.max(0, ...gaps);
}
