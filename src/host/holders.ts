/** Who holds each socket, and its options as far as our rights reach: told socket by socket. */
import {
  isListener,
  unreadOptions,
  type HostSocket,
  type SocketOptions,
  type SocketOwner,
} from '../core/socket.js';
import type { Holding, ProcessNote } from '../core/survey.js';
import { unitOf } from '../core/unit.js';
import type { Kernel } from '../kernel/kernel.js';
import type { ProcessFacts } from '../kernel/socket-view.js';
import { readOptions } from './options.js';
import { Owners } from './owners.js';

/** What an idle connection's user timeout would do later on is not worth half of the time of a survey. */
const MOST_IDLE_READ = 10_000;

type Found = (socket: HostSocket, holding: Holding) => void;

export interface Holds {
  readonly owners: Owners;
  /** As many idle connections are looked up next. @returns whether their options are read, each with its own */
  expect(idle: number): boolean;
  /** `found` learns of it now, or when the options of many are read: by `finish` at the latest. */
  lookUp(socket: HostSocket, namespace: string, found: Found): void;
  /** Of one whose options are not read. */
  unread(socket: HostSocket, owner: SocketOwner | undefined, namespace: string): Holding;
  finish(): void;
  /** Of those that were looked up. */
  processes(): readonly ProcessNote[];
  notes(): readonly string[];
}

/** Where who holds them was not asked for. */
export const unaskedHolders: Holds = {
  owners: new Owners({ numbers: new Uint32Array(), hidden: 0 }),
  expect: () => false,
  lookUp: (socket, namespace, found) => found(socket, heldByWhoever(socket, namespace)),
  unread: (socket, _owner, namespace) => heldByWhoever(socket, namespace),
  finish: () => undefined,
  processes: () => [],
  notes: () => [],
};

function heldByWhoever(socket: HostSocket, namespace: string): Holding {
  const unread = 'not asked who holds it (--no-owners)';
  const options = unreadOptions(socket, unread);
  return { process: null, unit: null, options, unread, namespace };
}

/** Its options are read with those of all that its process holds. */
interface Aside {
  readonly socket: HostSocket;
  readonly owner: SocketOwner;
  readonly namespace: string;
  readonly found: Found;
}

/** A socket's options, or why they are not known. */
type Read =
  { readonly options: SocketOptions; readonly unread: null } | { readonly unread: string };

interface HoldingProcess extends Pick<ProcessFacts, 'name' | 'descriptorLimit'> {
  readonly unit: string | null;
}

export class Holders implements Holds {
  readonly owners: Owners;
  readonly #kernel: Kernel;
  /** Undefined: it has ended meanwhile. */
  readonly #processes = new Map<number, HoldingProcess | undefined>();
  readonly #mostIdle: number;
  #aside: Aside[] = [];
  #expected = 0;
  /** Undefined: there are too many for their options to be read. */
  #idle: Aside[] | undefined = [];

  /** @param everyOption also of more idle connections than are worth it */
  constructor(kernel: Kernel, everyOption: boolean) {
    this.#kernel = kernel;
    this.owners = new Owners(kernel.heldSockets());
    this.#mostIdle = everyOption ? Infinity : MOST_IDLE_READ;
  }

  expect(idle: number): boolean {
    this.#expected += idle;
    // Of an unprivileged user's few among thousands all are read.
    if (Math.min(this.#expected, this.owners.size) <= this.#mostIdle) return true;
    for (const { socket, owner, namespace, found } of this.#idle ?? []) {
      found(socket, this.unread(socket, owner, namespace));
    }
    this.#idle = undefined;
    return false;
  }

  lookUp(socket: HostSocket, namespace: string, found: Found): void {
    const owner = this.owners.of(socket.inode);
    if (owner === undefined) found(socket, this.#unheld(socket, namespace));
    else if (!isIdle(socket)) this.#aside.push({ socket, owner, namespace, found });
    else if (this.#idle !== undefined) this.#idle.push({ socket, owner, namespace, found });
    else found(socket, this.unread(socket, owner, namespace));
  }

  unread(socket: HostSocket, owner: SocketOwner | undefined, namespace: string): Holding {
    return owner === undefined
      ? this.#unheld(socket, namespace)
      : this.#held(socket, owner, namespace, LEFT_OUT);
  }

  finish(): void {
    const aside = [...this.#aside, ...(this.#idle ?? [])];
    const options = readOptions(
      this.#kernel,
      aside.map(({ socket: { cookie }, owner: { pid, fd } }) => ({ pid, fd, cookie })),
    );
    for (const { socket, owner, namespace, found } of aside) {
      const known = options.get(socket.cookie ?? '');
      const read: Read = known === undefined ? UNTRACEABLE : { options: known, unread: null };
      found(socket, this.#held(socket, owner, namespace, read));
    }
  }

  processes(): readonly ProcessNote[] {
    return [...this.#processes].flatMap(([pid, known]) => {
      if (known === undefined) return [];
      const { name, unit, descriptorLimit: fdLimit } = known;
      return { pid, name, unit, fds: this.#kernel.openDescriptors(pid) ?? null, fdLimit };
    });
  }

  notes(): readonly string[] {
    const { hidden } = this.owners;
    const processes = hidden === 1 ? '1 process' : `${hidden} processes`;
    return [
      ...(hidden === 0
        ? []
        : [`${processes} of other users could not be looked into: root sees who holds the rest`]),
      ...(this.#idle === undefined
        ? [`more than ${MOST_IDLE_READ} idle connections: their user timeouts only with --options`]
        : []),
    ];
  }

  #held(socket: HostSocket, { pid, fd }: SocketOwner, namespace: string, read: Read): Holding {
    const known = this.#process(pid);
    return {
      process: known === undefined ? null : { pid, name: known.name, fd },
      unit: known?.unit ?? null,
      options: read.unread === null ? read.options : unreadOptions(socket, read.unread),
      unread: read.unread,
      namespace,
    };
  }

  #unheld(socket: HostSocket, namespace: string): Holding {
    const unread = this.#whyUnheld(socket);
    const options = unreadOptions(socket, unread);
    return { process: null, unit: null, options, unread, namespace };
  }

  #whyUnheld({ inode, state }: HostSocket): string {
    if (inode === 0) {
      const isQueued = state === 'ESTABLISHED' || state === 'CLOSE-WAIT' || state === 'SYN-RECV';
      return isQueued ? 'no process has accepted it yet' : 'no process holds it any more';
    }
    return this.owners.hidden === 0
      ? 'no process was found that holds it'
      : 'its process may not be looked into by this user: root can';
  }

  #process(pid: number): HoldingProcess | undefined {
    const known = this.#processes.get(pid);
    if (known !== undefined || this.#processes.has(pid)) return known;
    const facts = this.#kernel.processFacts(pid);
    const process = facts && holdingProcess(facts);
    this.#processes.set(pid, process);
    return process;
  }
}

/** Spread, each would have a shape of its own, for which V8 throws away what it has compiled. */
function holdingProcess({ name, descriptorLimit, cgroup }: ProcessFacts): HoldingProcess {
  return { name, descriptorLimit, unit: unitOf(cgroup) };
}

const LEFT_OUT: Read = { unread: 'too many idle connections: --options reads them' };
const UNTRACEABLE: Read = { unread: 'its process may not be traced by this user: root can' };

/** No timer is armed: its keepalive is off, and its user timeout decides nothing yet. */
function isIdle(socket: HostSocket): boolean {
  return socket.timer.kind === 'none' && !isListener(socket);
}
