import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Dealing } from '../../src/core/dealing.js';

describe('dealing', () => {
  it('goes to whoever has fewest, among equals in turn', () => {
    const dealing = dealingTo(3);
    expect([dealing.deal(), dealing.deal(), dealing.deal(), dealing.deal()]).toEqual([0, 1, 2, 0]);
    dealing.report(1, { taken: 1, open: 0 });
    expect(dealing.deal()).toBe(1);
  });

  it('goes around where each has gone before the next one comes', () => {
    const dealing = dealingTo(3);
    const dealt = Array.from({ length: 6 }, (_, at) => {
      const worker = dealing.deal() ?? -1;
      dealing.report(worker, { taken: Math.floor(at / 3) + 1, open: 0 });
      return worker;
    });
    expect(dealt).toEqual([0, 1, 2, 0, 1, 2]);
  });

  it('counts what is on its way', () => {
    const dealing = dealingTo(2);
    for (let each = 0; each < 4; each++) dealing.deal();
    dealing.report(0, { taken: 1, open: 1 });
    expect([dealing.connectionsOf(0), dealing.connectionsOf(1)]).toEqual([2, 2]);
    expect(dealing.connections).toBe(4);
  });

  it('passes over who is not able', () => {
    const dealing = dealingTo(2);
    expect([dealing.deal((each) => each === 1), dealing.deal(() => false)]).toEqual([1, undefined]);
    expect(dealing.connections).toBe(1);
  });

  it('has nobody to deal to when all have left', () => {
    const dealing = dealingTo(1);
    dealing.deal();
    dealing.leave(0);
    expect(dealing.deal()).toBeUndefined();
    expect(dealing.connections).toBe(0);
  });

  it('a worker that gets one never has more than the mean', () => {
    fc.assert(
      fc.property(workers, moves, (count, steps) => {
        const players = new Players(count);
        for (const step of steps) {
          const before = players.counts();
          if (step < 0) players.open(before);
          else players.close(step);
        }
      }),
    );
  });

  it('under connections that come and go at random none exceeds 1.1 times the mean, and one', () => {
    fc.assert(
      fc.property(
        workers,
        fc.array(fc.nat(), { minLength: 500, maxLength: 2000 }),
        (count, dice) => {
          const players = new Players(count);
          for (let each = 0; each < 400 * count; each++) players.open(players.counts());
          for (const die of dice) {
            players.close(die);
            players.open(players.counts());
            const counts = players.counts();
            expect(Math.max(...counts)).toBeLessThanOrEqual(1.1 * mean(counts) + 1);
          }
        },
      ),
      { numRuns: 10 },
    );
  });
});

const workers = fc.integer({ min: 1, max: 8 });
const moves = fc.array(fc.oneof(fc.constant(-1), fc.nat()), { maxLength: 300 });

function dealingTo(count: number): Dealing<number> {
  const dealing = new Dealing<number>();
  for (let worker = 0; worker < count; worker++) dealing.join(worker);
  return dealing;
}

function mean(counts: readonly number[]): number {
  return counts.reduce((sum, each) => sum + each, 0) / counts.length;
}

/** Workers that take what they are dealt, and whose connections close. */
class Players {
  readonly #dealing: Dealing<number>;
  readonly #taken: number[];
  /** Whose each open connection is, and how many are each one's. */
  readonly #open: number[] = [];
  readonly #opens: number[];

  constructor(count: number) {
    this.#dealing = dealingTo(count);
    this.#taken = Array.from({ length: count }, () => 0);
    this.#opens = [...this.#taken];
  }

  counts(): readonly number[] {
    return this.#taken.map((_, worker) => this.#dealing.connectionsOf(worker));
  }

  open(before: readonly number[]): void {
    const worker = this.#dealing.deal() ?? -1;
    expect(before[worker]).toBeLessThanOrEqual(mean(before));
    this.#taken[worker] = (this.#taken[worker] ?? 0) + 1;
    this.#open.push(worker);
    this.#report(worker, 1);
  }

  close(die: number): void {
    if (this.#open.length === 0) return;
    const at = die % this.#open.length;
    const worker = this.#open[at] ?? -1;
    this.#open[at] = this.#open.at(-1) ?? -1;
    this.#open.pop();
    this.#report(worker, -1);
  }

  #report(worker: number, change: number): void {
    const open = (this.#opens[worker] ?? 0) + change;
    this.#opens[worker] = open;
    this.#dealing.report(worker, { taken: this.#taken[worker] ?? 0, open });
  }
}
