/** Sets the wanted values, each recorded first, and counts what came of it. */
import type { SkipReason, Wanted } from '../core/protection.js';
import type { Kernel } from '../kernel/kernel.js';
import type { OptionValues } from '../kernel/socket-view.js';
import type { ReadSocket } from './protect-plan.js';
import { reach } from './reach.js';
import type { UndoEntry } from './undo-format.js';
import { sameValues, type UndoFile } from './undo.js';

export class Setter {
  readonly #kernel: Kernel;
  readonly #wanted: Wanted;
  readonly #undo: UndoFile;
  readonly #skipped: SkipReason[] = [];
  #changed = 0;

  constructor(kernel: Kernel, wanted: Wanted, undo: UndoFile) {
    this.#kernel = kernel;
    this.#wanted = wanted;
    this.#undo = undo;
  }

  get changed(): number {
    return this.#changed;
  }

  /** What was gone, or refused, when its turn came. */
  get skipped(): readonly SkipReason[] {
    return this.#skipped;
  }

  /** @throws TcpaliveError where the undo file cannot be written: these are unchanged then */
  record(sockets: readonly ReadSocket[]): void {
    if (sockets.length > 0) this.#undo.append(sockets.map(undoEntry));
  }

  /** Of recorded sockets. Returns how many have the wanted values now. */
  set(sockets: readonly ReadSocket[]): number {
    const outcomes = reach(this.#kernel, sockets, (fd, socket) => {
      const values = this.#kernel.optionValues(fd);
      // The program has set its own since: that is what would have to come back.
      if (!sameValues(values, socket.values)) this.record([{ ...socket, values }]);
      setWanted(this.#kernel, fd, this.#wanted, values);
    });
    let changed = 0;
    for (const { kind } of outcomes.values()) {
      if (kind === 'done') changed++;
      else this.#skipped.push(kind);
    }
    this.#changed += changed;
    return changed;
  }
}

/**
 * Nothing but what is wanted: written anew, the idle time of a keepalive that is on makes its timer fire at once
 * (tcp_sock_set_keepidle_locked, net/ipv4/tcp.c).
 */
function setWanted(
  kernel: Kernel,
  fd: number,
  { keepalive, userTimeoutMs }: Wanted,
  present: OptionValues,
): void {
  const timeoutMs = userTimeoutMs ?? present.userTimeoutMs;
  if (keepalive === null) kernel.setUserTimeout(fd, timeoutMs);
  else kernel.setOptionValues(fd, { ...keepalive, keepalive: true, userTimeoutMs: timeoutMs });
}

function undoEntry({ pid, fd, cookie, socket, values }: ReadSocket): UndoEntry {
  const { local, peer } = socket;
  return { pid, fd, cookie, local, peer, values };
}
