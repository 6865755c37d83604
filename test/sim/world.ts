/**
 * One connection in virtual time: a client that beats, a server that echoes, and the link between
 * them. The clock jumps from event to event and nothing waits. Each end is a real `Detector`; the
 * link knows no modes, only messages.
 *
 * TCP's part: a message lost to a cut comes back with the kernel's back-off, and everything sent
 * behind a lost one waits for it. What has arrived is always read before a timer of the same
 * moment is looked at, as the driver does.
 */
import { detectorFor, type Action, type Detector } from '../../src/core/detector.js';
import { formatMode, type Mode } from '../../src/core/mode.js';
import { addMs, earliest, instantAt, type Instant } from '../../src/core/time.js';

interface Verdict {
  readonly at: Instant;
  readonly by: string;
  readonly silentMs: number;
}

/** What one end has seen and done so far. */
export interface End {
  readonly beats: readonly Instant[];
  readonly received: readonly Instant[];
  /** Undefined while this end thinks that the other is alive. */
  readonly verdict: Verdict | undefined;
}

export type Direction = 'to-server' | 'to-client';

/** Tail-loss probe, then RTO doubling: kernel.md's 0.2, 0.4, 0.83, 1.67, 3.34 s without lateness. */
const TAIL_LOSS_PROBE_MS = 200;
const FIRST_RTO_MS = 204;

/** An end that asks again and again for the same moment would stop the clock. */
const MOST_TICKS_AT_ONCE = 100;

export class World {
  readonly client: End;
  readonly server: End;
  readonly #latencyMs: number;
  readonly #tickLatenessMs: number;
  readonly #ends: Readonly<Record<Direction, SimulatedEnd>>;
  readonly #lanes: Readonly<Record<Direction, Lane>> = { 'to-server': lane(), 'to-client': lane() };
  readonly #cut = new Set<Direction>();
  #events: readonly Event[] = [];
  #now: Instant;

  constructor(
    mode: Mode,
    options: { latencyMs?: number; tickLatenessMs?: number; openedAt?: Instant } = {},
  ) {
    this.#latencyMs = options.latencyMs ?? 5;
    this.#tickLatenessMs = options.tickLatenessMs ?? 0;
    this.#now = options.openedAt ?? instantAt(0);
    const client = new SimulatedEnd(detectorFor(mode, 'beats', this.#now), formatMode(mode));
    const server = new SimulatedEnd(detectorFor(mode, 'answers', this.#now), formatMode(mode));
    this.#ends = { 'to-client': client, 'to-server': server };
    this.client = client;
    this.server = server;
  }

  get now(): Instant {
    return this.#now;
  }

  /** From now on what arrives in these directions is swallowed. */
  cut(...directions: readonly Direction[]): void {
    for (const direction of directions.length === 0 ? BOTH : directions) this.#cut.add(direction);
  }

  /** What was lost comes back with the next retransmission. */
  heal(): void {
    this.#cut.clear();
  }

  /** A user's message, which the server echoes like any other. */
  clientSends(): void {
    this.#send('to-server');
  }

  /** Lets everything happen that is due up to and including `until`. */
  run(until: Instant): void {
    for (;;) {
      const event = this.#events.reduce<Event | undefined>(earlier, undefined);
      const tick = this.#nextTick();
      const next = earliest(event?.at, tick?.at);
      if (next === undefined || next > until) break;
      this.#now = instantAt(Math.max(this.#now, next));
      if (event !== undefined && event.at <= next) {
        this.#events = this.#events.filter((each) => each !== event);
        event.happen();
      } else if (tick !== undefined) {
        this.#do(tick.direction, this.#ends[tick.direction].tick(this.#now));
      }
    }
    this.#now = instantAt(Math.max(this.#now, until));
  }

  #nextTick(): { at: Instant; direction: Direction } | undefined {
    const ticks = BOTH.flatMap((direction) => {
      const due = this.#ends[direction].detector.nextDeadline();
      return due === undefined ? [] : [{ at: addMs(due, this.#tickLatenessMs), direction }];
    });
    return ticks.reduce<(typeof ticks)[number] | undefined>(earlier, undefined);
  }

  #send(direction: Direction): void {
    const { [direction]: lane } = this.#lanes;
    if (lane.waiting > 0) lane.waiting++;
    else {
      const sentAt = this.#now;
      this.#later(this.#latencyMs, () => {
        if (this.#cut.has(direction)) this.#lose(direction, sentAt);
        else this.#arrive(direction);
      });
    }
  }

  #lose(direction: Direction, sentAt: Instant): void {
    const { [direction]: lane } = this.#lanes;
    lane.waiting++;
    if (lane.waiting > 1) return;
    const untilProbe = Math.max(0, TAIL_LOSS_PROBE_MS - (this.#now - sentAt));
    this.#later(untilProbe, () => this.#retransmit(direction, FIRST_RTO_MS));
  }

  #retransmit(direction: Direction, rtoMs: number): void {
    if (this.#cut.has(direction)) {
      this.#later(rtoMs, () => this.#retransmit(direction, rtoMs * 2));
      return;
    }
    const { [direction]: lane } = this.#lanes;
    const { waiting } = lane;
    lane.waiting = 0;
    for (let each = 0; each < waiting; each++) this.#send(direction);
  }

  #arrive(direction: Direction): void {
    const { [direction]: end } = this.#ends;
    if (end.verdict !== undefined) return;
    this.#do(direction, end.receive(this.#now));
    if (direction === 'to-server') this.#send('to-client');
  }

  /** `at` is the direction that leads to the acting end. */
  #do(at: Direction, actions: readonly Action[]): void {
    const beats = actions.filter((action) => action.kind === 'beat').length;
    for (let each = 0; each < beats; each++) this.#send(opposite(at));
  }

  #later(ms: number, happen: () => void): void {
    this.#events = [...this.#events, { at: addMs(this.#now, ms), happen }];
  }
}

const BOTH = ['to-server', 'to-client'] as const;

interface Event {
  readonly at: Instant;
  readonly happen: () => void;
}

/** Messages that wait behind a lost one, it included. */
interface Lane {
  waiting: number;
}

class SimulatedEnd implements End {
  readonly beats: Instant[] = [];
  readonly received: Instant[] = [];
  verdict: Verdict | undefined;
  #ticksAt: { at: Instant; count: number } = { at: instantAt(-1), count: 0 };

  constructor(
    readonly detector: Detector,
    readonly modeText: string,
  ) {}

  receive(now: Instant): readonly Action[] {
    this.received.push(now);
    return this.#note(this.detector.step('received', now), now);
  }

  tick(now: Instant): readonly Action[] {
    const count = this.#ticksAt.at === now ? this.#ticksAt.count + 1 : 1;
    this.#ticksAt = { at: now, count };
    if (count > MOST_TICKS_AT_ONCE) throw new Error(`${this.modeText} stops the clock at ${now}`);
    return this.#note(this.detector.step('tick', now), now);
  }

  #note(actions: readonly Action[], now: Instant): readonly Action[] {
    for (const action of actions) {
      if (action.kind === 'beat') this.beats.push(now);
      if (action.kind === 'give-up') {
        this.verdict = { at: now, by: action.by, silentMs: action.silentMs };
      }
    }
    return actions;
  }
}

function lane(): Lane {
  return { waiting: 0 };
}

function opposite(direction: Direction): Direction {
  return direction === 'to-server' ? 'to-client' : 'to-server';
}

/** Of two at the same moment, the one that was there first. */
function earlier<T extends { readonly at: Instant }>(best: T | undefined, each: T): T {
  return best === undefined || each.at < best.at ? each : best;
}
