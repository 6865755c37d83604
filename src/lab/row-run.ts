/** One row of a comparison while it runs: its connections, their healthy twins, their verdicts. */
import { faultKind, healsAfterMs, type FaultKind } from '../core/condition.js';
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
import { pause } from '../kernel/interruption.js';
import type { Peer } from './peer.js';
import type { EndCause } from '../net/connection.js';
import { dropPeers, healPeers, type Dropped } from './drop.js';
import { fillUntilBlocked } from './blocked.js';
import { countPackets } from './packet-count.js';
import { byId, proveCut, type Witness } from './proof.js';
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
  /** Where the fault is `relay`: the process in the path. */
  readonly relay: Peer | undefined;
  readonly engine: DropEngine | null;
}

/** Faults through which a busy peer still sends, or sends again. */
const GOES_ON: ReadonlySet<FaultKind> = new Set(['to-peer', 'outage', 'pause', 'loss']);

/** The picture shows when the kernel sends, not how much: asking all would disturb what is measured. */
const ACTIVITY_CONNECTIONS = 20;

export class RowRun {
  readonly plan: RowPlan;
  readonly ids: readonly ConnectionId[];
  readonly #parts: RowParts;
  readonly #report: (event: RowEvent) => void;
  readonly #twins: ReadonlySet<ConnectionId>;
  readonly #footnotes: string[] = [];
  readonly #unfilled = new Set<ConnectionId>();
  readonly #proofs: ReturnType<typeof proveCut>[] = [];
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
  #isOver = false;
  readonly #segmentsOut = new Map<ConnectionId, number>();

  constructor(parts: RowParts, report: (event: RowEvent) => void) {
    this.#parts = parts;
    this.#report = report;
    this.plan = parts.plan;
    this.ids = parts.ids;
    this.#twins = new Set(parts.twins);
  }

  /**
   * Opens over the plan's span, so that one drop meets every phase of the mode, and ends with the others.
   * @param longestSpanMs of all rows
   * @param dropExpectedAt what is reported until then is told relative to it
   */
  async open(
    longestSpanMs: number,
    dropExpectedAt: Instant,
    interruption: AbortSignal,
  ): Promise<void> {
    this.#dropExpectedAt = dropExpectedAt;
    await pause(longestSpanMs - this.plan.spanMs, interruption);
    if (interruption.aborted) return;
    const { peer, twinPeer, twins } = this.#parts;
    await Promise.all([
      ...(this.plan.load === 'connect'
        ? []
        : [this.#open(peer.station, this.ids, this.#parts.relay?.station)]),
      ...(twins.length === 0 ? [] : [this.#open(twinPeer.station, twins)]),
    ]);
  }

  /** After that time: drops, proves the drop, watches as long as planned, and reads what the kernel says at the end. */
  async watch(afterMs: number, interruption: AbortSignal): Promise<void> {
    const { station, twins } = this.#parts;
    const { waited, waitMs, fault } = this.plan;
    await pause(afterMs, interruption);
    if (waited && !interruption.aborted) {
      await this.#dropPeers(interruption);
      this.#report({ kind: 'dropped' });
      const [, packets] = await Promise.all([
        this.#prove(),
        countPackets(station, twins, waitMs, interruption),
        this.#healAfter(healsAfterMs(fault), interruption),
        pause(waitMs, interruption),
      ]);
      this.#packetsPerHour = packets;
    }
    this.#isOver = true;
    this.#waitedMs = this.#droppedAt === undefined ? 0 : msBetween(this.#droppedAt, monotonicNow());
    this.#evidence = this.#readEvidence();
    await this.#proveAtEnd();
    this.#report({ kind: 'row-done' });
  }

  /** What happened to one of this row's connections. */
  take(event: StationEvent): void {
    if (this.#isOver) return;
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

  /** @param witness what a throw-away connection showed of the engine, in both directions */
  outcome(witness: Witness): RowOutcome {
    const { twins } = this.#parts;
    const drop =
      this.#drop === null
        ? null
        : { ...this.#drop, proven: this.#drop.proven && this.#isWitnessed(witness) };
    const footnotes = [...this.#footnotes];
    const lost = this.#lostBeforeDrop;
    if (lost > 0) footnotes.push(`${lost} given up before the drop, counted as false alarms`);
    if (drop?.proven === false) footnotes.push('the drop is not proven for every connection');
    return {
      plan: this.plan,
      connections: this.ids.length - lost - this.#unfilled.size,
      drop,
      waitedMs: this.#waitedMs,
      notices: [...this.#notices.values()],
      evidence: this.#evidence,
      healthy: { connections: twins.length + lost, falseAlarms: this.#falseAlarms + lost },
      packetsPerHour: this.#packetsPerHour,
      footnotes,
    };
  }

  async #open(
    peer: Remote<Station>,
    ids: readonly ConnectionId[],
    relay?: Remote<Station>,
  ): Promise<void> {
    const { station } = this.#parts;
    const { mode, observer, spanMs: overMs } = this.plan;
    const listen = { replyDelayMs: 0, descriptors: null };
    const through = async ({ port }: { readonly port: number }) =>
      relay === undefined ? port : (await relay.relay({ port })).port;
    let answered: readonly ConnectionId[];
    if (observer === 'client') {
      const port = await through(await peer.listen({ ...listen, mode: {} }));
      ({ answered } = await station.connect({ ids, overMs, port, mode }));
    } else {
      const port = await through(await station.listen({ ...listen, mode }));
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

  async #dropPeers(interruption: AbortSignal): Promise<void> {
    const { plan, ids } = this;
    const { station, peer, twinPeer, twins } = this.#parts;
    if (plan.load === 'connect') return this.#dial();
    if (plan.load === 'zero-window') {
      await Promise.all([
        peer.station.stopReading({ ids }),
        twinPeer.station.stopReading({ ids: twins }),
      ]);
      await this.#dropBlocked(interruption);
      await station.fill({ ids: twins });
      return;
    }
    if (plan.frameEveryMs !== undefined) {
      // The twins fall silent, as quiet users do; whoever lives through the fault goes on.
      const quiet = GOES_ON.has(faultKind(plan.fault)) ? [] : ids;
      await Promise.all([peer.station.hush({ ids: quiet }), twinPeer.station.hush({ ids: twins })]);
    }
    const write = (some: readonly ConnectionId[]) => {
      if (plan.load === 'write') station.send({ ids: some, bytes: LOAD_BYTES });
    };
    this.#take(await dropPeers(this.#parts, ids, { write, mark: (marks) => this.#mark(marks) }));
    write(twins);
  }

  /** Each is dropped as soon as its own window has closed. */
  async #dropBlocked(interruption: AbortSignal): Promise<void> {
    let longestMs = 0;
    const atDrop = {
      write: () => undefined,
      mark: (marks: readonly CutMark[]) => this.#mark(marks),
    };
    const left = await fillUntilBlocked(this.#parts, this.ids, interruption, async (id, fillMs) => {
      longestMs = Math.max(longestMs, fillMs);
      this.#take(await dropPeers(this.#parts, [id], atDrop));
    });
    const within = Math.ceil(longestMs / 100) * 100;
    this.#footnotes.push(`dropped within ${within} ms after filling began`);
    if (left.length > 0) this.#footnotes.push(`${left.length} could not be filled: not counted`);
    for (const id of left) this.#unfilled.add(id);
  }

  /** SYNs to a listener that hears none: t = 0 is the first. */
  async #dial(): Promise<void> {
    const { station, peer, engine } = this.#parts;
    if (engine === null) throw new RangeError('a deaf listener needs an engine');
    const { port } = await peer.station.listenDeaf({ engine });
    this.#mark(station.dial({ ids: this.ids, port, mode: this.plan.mode }));
    this.#drop = { engine, proven: false, deliveredSegments: 0, cutGapMs: 0 };
  }

  #take({ peerMarks, drop }: Dropped): void {
    this.#peerMarks = new Map([...this.#peerMarks, ...byId(peerMarks)]);
    const cutGapMs = Math.max(this.#drop?.cutGapMs ?? 0, drop?.cutGapMs ?? 0);
    this.#drop = drop === null ? null : { ...drop, cutGapMs };
  }

  async #healAfter(afterMs: number | undefined, interruption: AbortSignal): Promise<void> {
    if (afterMs === undefined) return;
    await pause(afterMs, interruption);
    await healPeers(this.#parts, this.ids);
  }

  #mark(marks: readonly CutMark[]): void {
    this.#marks = new Map([...this.#marks, ...byId(marks)]);
    this.#droppedAt ??= monotonicNow();
  }

  #proveCut(ids: readonly ConnectionId[]): ReturnType<typeof proveCut> {
    const marks = ids.flatMap((id) => this.#marks.get(id) ?? []);
    return proveCut((some) => this.#look(some), byId(marks));
  }

  /** By what the peers sent right after their cut; where they send nothing the witness must do. */
  async #prove(): Promise<void> {
    const { load, fault } = this.plan;
    const kind = faultKind(fault);
    if (this.#drop === null || load === 'connect' || kind === 'loss') return;
    if (kind === 'outage' || kind === 'to-peer') this.#drop = { ...this.#drop, proven: true };
    else {
      if (this.#proofs.length === 0) this.#proofs.push(this.#proveCut(this.ids));
      const proofs = await Promise.all(this.#proofs);
      this.#drop = {
        ...this.#drop,
        proven: proofs.every(({ proven }) => proven),
        deliveredSegments: proofs.reduce((sum, proof) => sum + proof.deliveredSegments, 0),
      };
    }
    if (load === 'write' && (kind === 'blackhole' || kind === 'to-peer')) {
      // The row's own retransmissions show that nothing reaches the peer either.
      const { peer } = this.#parts;
      const { proven } = await proveCut((ids) => peer.station.look({ ids }), this.#peerMarks);
      if (!proven) this.#drop = { ...this.#drop, proven };
    }
  }

  async #proveAtEnd(): Promise<void> {
    const { load, fault } = this.plan;
    const { peer } = this.#parts;
    if (this.#drop === null) return;
    const kind = faultKind(fault);
    if (load === 'connect') {
      this.#drop = { ...this.#drop, proven: (await peer.station.unheard(undefined)) > 0 };
    } else if (kind === 'loss') {
      const ends = [this.#look(this.ids), await peer.station.look({ ids: this.ids })].flat();
      const lost = ends.some(({ drops }) => drops > 0);
      const idle = !this.#moved();
      if (!lost && idle) this.#footnotes.push('nothing was sent that could have been lost');
      this.#drop = { ...this.#drop, proven: lost || idle };
    }
  }

  /** Whether any segment went in or out since the drop. */
  #moved(): boolean {
    return this.#look(this.ids).some(({ id, info }) => {
      const before = this.#marks.get(id)?.info;
      if (info === null || before === undefined || before === null) return true;
      return info.segmentsIn + info.segmentsOut > before.segmentsIn + before.segmentsOut;
    });
  }

  #isWitnessed({ fromPeer, toPeer }: Witness): boolean {
    if (this.plan.load === 'connect') return true;
    const kind = faultKind(this.plan.fault);
    if (kind === 'outage') return fromPeer && toPeer;
    return kind === 'blackhole' || kind === 'to-peer' ? toPeer : true;
  }

  #fromLastActivity(
    { info }: CutMark,
    fromDropMs: number,
    { by, silentMs }: { readonly by: EndCause; readonly silentMs: number },
  ): number {
    const { load, fault } = this.plan;
    if (load !== 'idle' || fault === 'close' || fault === 'reset') return fromDropMs;
    if (by === 'heartbeat' || by === 'idle-timeout') return silentMs;
    return info === null
      ? fromDropMs
      : fromDropMs + Math.min(info.lastAckReceivedMs, info.lastDataReceivedMs);
  }

  #readEvidence(): readonly Evidence[] {
    const left = this.ids.filter((id) => !this.#notices.has(id) && !this.#unfilled.has(id));
    return this.#look(left).flatMap((snapshot) => evidenceOf(this.#parts.kernel, snapshot) ?? []);
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
