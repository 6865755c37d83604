/**
 * Which worker gets the next connection: the one that has fewest, among equals in turn. What was dealt
 * and not taken yet counts like what is open. So a worker that gets one has no more than the mean, and
 * none meets its limit while a sibling has room.
 */
export class Dealing<Worker> {
  readonly #hands = new Map<Worker, { dealt: number; taken: number; open: number; turn: number }>();
  #turns = 0;

  join(worker: Worker): void {
    this.#hands.set(worker, { dealt: 0, taken: 0, open: 0, turn: 0 });
  }

  /** It is gone, with all that it had. */
  leave(worker: Worker): void {
    this.#hands.delete(worker);
  }

  /** @param isAble who is not is passed over. @returns undefined: there is none */
  deal(isAble: (worker: Worker) => boolean = () => true): Worker | undefined {
    let fewest: Worker | undefined;
    let [least, turn] = [Infinity, Infinity];
    for (const [worker, hand] of this.#hands) {
      if (!isAble(worker)) continue;
      const connections = this.connectionsOf(worker);
      if (connections > least || (connections === least && hand.turn >= turn)) continue;
      [fewest, least, turn] = [worker, connections, hand.turn];
    }
    const hand = fewest === undefined ? undefined : this.#hands.get(fewest);
    if (hand === undefined) return undefined;
    hand.dealt++;
    hand.turn = ++this.#turns;
    return fewest;
  }

  /** @param taken of all that it was ever dealt; @param open of those that it has taken */
  report(worker: Worker, { taken, open }: { readonly taken: number; readonly open: number }): void {
    const hand = this.#hands.get(worker);
    if (hand !== undefined) Object.assign(hand, { taken, open });
  }

  /** So many that it was dealt will not be its own: they are dealt anew. */
  takeBack(worker: Worker, count: number): void {
    const hand = this.#hands.get(worker);
    if (hand !== undefined) hand.dealt -= count;
  }

  connectionsOf(worker: Worker): number {
    const hand = this.#hands.get(worker);
    return hand === undefined ? 0 : hand.dealt - hand.taken + hand.open;
  }

  get connections(): number {
    return [...this.#hands.keys()].reduce((sum, each) => sum + this.connectionsOf(each), 0);
  }
}
