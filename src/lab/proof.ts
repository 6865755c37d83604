/** Proof that a drop drops: the cut end's drop count rises and what it received stands still. */
import type { DropEngine } from '../core/result.js';
import { monotonicNow } from '../kernel/clock.js';
import type { Remote } from './channel.js';
import {
  LOAD_BYTES,
  type ConnectionId,
  type CutMark,
  type Snapshot,
  type Station,
} from './station.js';

/** A frame crosses loopback in microseconds; a retransmission that must do instead takes 200 ms. */
const PROOF_MS = 1000;
const LOOK_EVERY_MS = 10;

/** Whether this connection swallowed a segment after its cut, and let none through. */
function swallowed(mark: CutMark, now: Snapshot): boolean {
  return now.drops > mark.drops && deliveredSegments(mark, now) === 0;
}

function deliveredSegments(mark: CutMark, now: Snapshot): number {
  return (now.info?.dataSegmentsIn ?? 0) - (mark.info?.dataSegmentsIn ?? 0);
}

/** Looks until every mark is proven, or the time for it is over; a connection that ended stays unproven. */
export async function proveCut(
  look: (ids: readonly ConnectionId[]) => Promise<readonly Snapshot[]> | readonly Snapshot[],
  marks: ReadonlyMap<ConnectionId, CutMark>,
): Promise<{ readonly proven: boolean; readonly deliveredSegments: number }> {
  const unproven = new Set(marks.keys());
  let delivered = 0;
  const started = monotonicNow();
  for (;;) {
    for (const snapshot of await look([...unproven])) {
      const mark = marks.get(snapshot.id);
      if (mark === undefined || snapshot.info === null) continue;
      if (swallowed(mark, snapshot)) unproven.delete(snapshot.id);
      else if (deliveredSegments(mark, snapshot) > 0) {
        delivered += deliveredSegments(mark, snapshot);
        unproven.delete(snapshot.id);
      }
    }
    const proven = unproven.size === 0 && delivered === 0;
    if (unproven.size === 0 || monotonicNow() - started > PROOF_MS) {
      return { proven, deliveredSegments: delivered };
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
}

/** What a throw-away connection, cut like the rows', showed of each direction. */
export interface Witness {
  readonly fromPeer: boolean;
  readonly toPeer: boolean;
}

/** In an idle row or an outage nobody sends anything by which the row itself could show it. */
export async function witness(
  observer: Station,
  peer: Remote<Station>,
  ids: readonly ConnectionId[],
  engine: DropEngine,
): Promise<Witness> {
  const { port } = await observer.listen({ mode: {}, replyDelayMs: 0, descriptors: null });
  await peer.connect({ ids, port, mode: {}, overMs: 0 });
  const ours = observer.cut({ ids, engine });
  const theirs = await peer.cut({ ids, engine });
  observer.send({ ids, bytes: LOAD_BYTES });
  await peer.send({ ids, bytes: LOAD_BYTES });
  const [fromPeer, toPeer] = await Promise.all([
    proveCut((some) => observer.look({ ids: some }), byId(ours)),
    proveCut((some) => peer.look({ ids: some }), byId(theirs)),
  ]);
  return {
    fromPeer: fromPeer.proven && ours.length === ids.length,
    toPeer: toPeer.proven && theirs.length === ids.length,
  };
}

/** The marks a proof is looked up in. */
export function byId(marks: readonly CutMark[]): ReadonlyMap<ConnectionId, CutMark> {
  return new Map(marks.map((mark) => [mark.id, mark]));
}
