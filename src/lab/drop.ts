/**
 * What each fault does to a row's connections, and how it is known to have done so. The observer's
 * end is cut first: from then on nothing can reach it, which is t = 0.
 */
import { faultKind, lossShare } from '../core/condition.js';
import type { DropEngine, DropResult } from '../core/result.js';
import type { RowPlan } from '../core/row.js';
import { msBetween, type Instant } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Remote } from './channel.js';
import type { Peer } from './peer.js';
import { LOAD_BYTES, type ConnectionId, type CutMark, type Station } from './station.js';

export interface DropParts {
  readonly plan: RowPlan;
  readonly station: Station;
  readonly peer: Peer;
  /** Where the fault is `relay`: the process in the path. */
  readonly relay: Peer | undefined;
  /** Null where no row drops anything. */
  readonly engine: DropEngine | null;
}

export interface Dropped {
  /** Of the peer's ends, where they were cut. */
  readonly peerMarks: readonly CutMark[];
  /** Null: this fault drops nothing. */
  readonly drop: DropResult | null;
}

/** What follows at once, before anything else gets a turn. */
export interface AtDrop {
  /** The load's own write. */
  write(ids: readonly ConnectionId[]): void;
  /** t = 0 of each: a verdict can come from now on. */
  mark(marks: readonly CutMark[]): void;
}

export async function dropPeers(
  parts: DropParts,
  ids: readonly ConnectionId[],
  atDrop: AtDrop,
): Promise<Dropped> {
  const { plan, station, peer } = parts;
  const kind = faultKind(plan.fault);
  switch (kind) {
    case 'blackhole':
    case 'from-peer':
    case 'outage':
      return cutObserverFirst(parts, ids, atDrop);
    case 'to-peer': {
      const peerMarks = await peer.station.cut({ ids, engine: engineOf(parts) });
      const at = new Map(peerMarks.map((mark) => [mark.id, mark.at]));
      atDrop.mark(marksOf(station, ids, (id) => at.get(id) ?? monotonicNow()));
      atDrop.write(ids);
      return { peerMarks, drop: unproven(engineOf(parts), 0) };
    }
    case 'loss': {
      const share = lossShare(plan.fault) ?? 0;
      const marks = station.lose({ ids, share });
      atDrop.mark(marks);
      atDrop.write(ids);
      const peerMarks = await peer.station.lose({ ids, share });
      return { peerMarks, drop: unproven('socket-filter', longestGap(marks, peerMarks)) };
    }
    case 'freeze':
    case 'pause': {
      peer.stop();
      atDrop.mark(marksOf(station, ids, monotonicNow));
      atDrop.write(ids);
      return { peerMarks: [], drop: null };
    }
    case 'relay': {
      const { at } = (await parts.relay?.station.swallow(undefined)) ?? { at: monotonicNow() };
      atDrop.mark(marksOf(station, ids, () => at));
      atDrop.write(ids);
      return { peerMarks: [], drop: null };
    }
    case 'close':
    case 'reset': {
      atDrop.mark(marksOf(station, ids, monotonicNow));
      atDrop.write(ids);
      await peer.station.end({ ids, how: kind });
      return { peerMarks: [], drop: null };
    }
  }
}

/** The end of an outage or a pause. */
export async function healPeers(parts: DropParts, ids: readonly ConnectionId[]): Promise<void> {
  if (faultKind(parts.plan.fault) === 'pause') {
    parts.peer.goOn();
    return;
  }
  const engine = engineOf(parts);
  parts.station.heal({ ids, engine });
  await parts.peer.station.heal({ ids, engine });
}

async function cutObserverFirst(
  parts: DropParts,
  ids: readonly ConnectionId[],
  atDrop: AtDrop,
): Promise<Dropped> {
  const { plan, station, peer } = parts;
  const engine = engineOf(parts);
  const marks = ids.flatMap((id) => {
    const mark = station.cut({ ids: [id], engine });
    atDrop.write([id]);
    return mark;
  });
  atDrop.mark(marks);
  const kind = faultKind(plan.fault);
  const peerMarks = kind === 'from-peer' ? [] : await peer.station.cut({ ids, engine });
  // What must be swallowed. After an outage it would come back, as no frame of a real peer would.
  if (kind !== 'outage') await sendProof(peer.station, ids);
  return { peerMarks, drop: unproven(engine, longestGap(marks, peerMarks)) };
}

function sendProof(peer: Remote<Station>, ids: readonly ConnectionId[]): Promise<void> {
  return peer.send({ ids, bytes: LOAD_BYTES });
}

/** Marks without a cut at this end. */
function marksOf(
  station: Station,
  ids: readonly ConnectionId[],
  at: (id: ConnectionId) => Instant,
): readonly CutMark[] {
  return station.look({ ids }).map(({ id, info, drops }) => ({ id, at: at(id), info, drops }));
}

function engineOf({ engine }: DropParts): DropEngine {
  if (engine === null) throw new RangeError('a drop needs an engine');
  return engine;
}

function unproven(engine: DropEngine, cutGapMs: number): DropResult {
  return { engine, proven: false, deliveredSegments: 0, cutGapMs };
}

function longestGap(ours: readonly CutMark[], theirs: readonly CutMark[]): number {
  const cutAt = new Map(ours.map(({ id, at }) => [id, at]));
  const gaps = theirs.map(({ id, at }) => msBetween(cutAt.get(id) ?? at, at));
  return Math.max(0, ...gaps);
}
