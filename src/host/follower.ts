/**
 * Keeps new sockets of some programs covered. A new connection is looked at twice, because a
 * program sets its own options some time after it has accepted it; then never again, so that
 * nobody is fought with.
 */
import type { Followed, ProtectEvent } from '../core/protection.js';
import { isAsWanted, isForNow, settingKey } from '../core/protect-plan.js';
import { isListener } from '../core/socket.js';
import type { Kernel } from '../kernel/kernel.js';
import { takeInventory, type Inventory } from './inventory.js';
import { optionsFrom } from './options.js';
import { sortOut, type ProtectPlan, type ReadSocket } from './protect-plan.js';
import type { Setter } from './setter.js';
import { targetsAgain, type TargetProcess } from './targets.js';

const MOST_LOOKS = 2;

export class Follower {
  readonly #kernel: Kernel;
  readonly #plan: ProtectPlan;
  readonly #setter: Setter;
  readonly #told = new Set<string>();
  #targets: readonly TargetProcess[];
  /** By cookie, how often each was looked at. */
  #looks: Map<string, number>;
  /** By cookie, connections that came before their listener was set: they inherited nothing. */
  #older: ReadonlySet<string>;
  #changed = 0;
  #overridden = 0;

  /** To be made when the listeners of the plan are set. */
  constructor(kernel: Kernel, plan: ProtectPlan, setter: Setter) {
    this.#kernel = kernel;
    this.#plan = plan;
    this.#setter = setter;
    this.#targets = plan.targets;
    this.#looks = new Map([...plan.settled].map((cookie) => [cookie, MOST_LOOKS]));
    this.#older = cookiesOf(takeInventory(kernel, plan.targets));
  }

  get followed(): Followed {
    return { changed: this.#changed, overridden: this.#overridden };
  }

  /** @returns false: none of the processes is left. @throws TcpaliveError as `Setter.record` */
  look(onEvent: (event: ProtectEvent) => void): boolean {
    const { choice, tree, terms } = this.#plan.request;
    this.#targets = targetsAgain(this.#kernel, this.#targets, choice, tree);
    if (this.#targets.length === 0) {
      onEvent({ kind: 'targets-gone' });
      return false;
    }
    const inventory = takeInventory(this.#kernel, this.#targets);
    this.#forgetAllBut(inventory);
    const fresh = inventory.sockets.filter(({ cookie }) => !this.#isSettled(cookie));
    const { taken, skipped } = sortOut(this.#kernel, fresh, terms);
    for (const [{ cookie }, reason] of skipped) {
      if (!isForNow(reason)) this.#looks.set(cookie, MOST_LOOKS);
    }
    const lacking = taken.filter(({ values }) => !isAsWanted(optionsFrom(values), terms.wanted));
    for (const { cookie } of taken) this.#looks.set(cookie, (this.#looks.get(cookie) ?? 0) + 1);
    for (const { cookie } of lacking) this.#looks.set(cookie, MOST_LOOKS);
    this.#cover(lacking, onEvent);
    return true;
  }

  #cover(sockets: readonly ReadSocket[], onEvent: (event: ProtectEvent) => void): void {
    if (sockets.length === 0) return;
    this.#setter.record(sockets);
    const changed = this.#setter.set(sockets);
    this.#changed += changed;
    if (changed > 0) onEvent({ kind: 'covered', sockets: changed });
    for (const each of sockets) this.#tellOverride(each, onEvent);
    if (sockets.some(({ socket }) => isListener(socket))) {
      this.#older = cookiesOf(takeInventory(this.#kernel, this.#targets));
    }
  }

  #tellOverride(
    { accepted, cookie, socket, values }: ReadSocket,
    onEvent: (event: ProtectEvent) => void,
  ): void {
    if (!accepted || this.#older.has(cookie)) return;
    this.#overridden++;
    const { port } = socket.local;
    const options = optionsFrom(values);
    const kind = `${port} ${settingKey(options)}`;
    if (this.#told.has(kind)) return;
    this.#told.add(kind);
    onEvent({ kind: 'overridden', port, ...options });
  }

  #isSettled(cookie: string): boolean {
    return (this.#looks.get(cookie) ?? 0) >= MOST_LOOKS;
  }

  #forgetAllBut({ sockets }: Inventory): void {
    const present = new Set(sockets.map(({ cookie }) => cookie));
    this.#looks = new Map([...this.#looks].filter(([cookie]) => present.has(cookie)));
  }
}

function cookiesOf({ sockets, waiting }: Inventory): ReadonlySet<string> {
  return new Set([...sockets.map(({ cookie }) => cookie), ...waiting]);
}
