/** All TCP sockets of some processes, in whichever network namespaces they are: each once. */
import type { Timekeeper } from '../core/fate-model.js';
import { everySocket } from '../core/idle-sockets.js';
import { isListener, type HostSocket } from '../core/socket.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { NetworkNamespace, SocketTable } from '../kernel/socket-view.js';
import type { Reachable } from './reach.js';
import { MOST_TRIES, readTable, type Of } from './table.js';
import type { TargetProcess } from './targets.js';

export interface OwnedSocket extends Reachable {
  readonly cookie: string;
  readonly socket: HostSocket;
  /** A connection whose local port is one that these processes listen on. */
  readonly accepted: boolean;
  readonly namespace: string;
  readonly keeper: Timekeeper;
}

export interface Inventory {
  readonly sockets: readonly OwnedSocket[];
  /** Connections to these processes that none of them has accepted yet, by cookie. */
  readonly waiting: readonly string[];
  /** The table changed while it was read: something may be missing. */
  readonly torn: boolean;
  /** Processes that this user may not look into. */
  readonly hidden: readonly TargetProcess[];
}

export function takeInventory(kernel: Kernel, targets: readonly TargetProcess[]): Inventory {
  const { visible, hidden } = byNamespace(kernel, targets);
  const parts = visible.map(({ namespace, processes }) => {
    const table = tryTable(kernel, namespace);
    return table === undefined
      ? { sockets: [], waiting: [], torn: false, hidden: processes }
      : inventoryOf(kernel, table, processes);
  });
  return {
    sockets: parts.flatMap(({ sockets }) => sockets),
    waiting: parts.flatMap(({ waiting }) => waiting),
    torn: parts.some(({ torn }) => torn),
    hidden: [...hidden, ...parts.flatMap((part) => part.hidden)],
  };
}

function inventoryOf(
  kernel: Kernel,
  { table, keeper, namespace }: Of<SocketTable>,
  processes: readonly TargetProcess[],
): Inventory {
  const sockets = [...everySocket(table)];
  const byInode = new Map(sockets.map((socket) => [socket.inode, socket]));
  const held = new Map<string, Reachable & { readonly socket: HostSocket; cookie: string }>();
  const hidden = processes.filter(({ pid }) => {
    const isOurs = kernel.eachSocket(pid, (inode, fd) => {
      const socket = byInode.get(inode);
      const cookie = socket?.cookie ?? null;
      // Several processes may hold it: one is enough.
      if (socket === undefined || cookie === null || held.has(cookie)) return;
      held.set(cookie, { pid, fd, cookie, socket });
    });
    return !isOurs;
  });
  const all = [...held.values()];
  const ports = new Set(
    all.flatMap(({ socket }) => (isListener(socket) ? [socket.local.port] : [])),
  );
  return {
    sockets: all.map((each) => ({
      ...each,
      accepted: !isListener(each.socket) && ports.has(each.socket.local.port),
      namespace: namespace.id,
      keeper,
    })),
    waiting: sockets.flatMap(({ state, inode, cookie, local }) =>
      state === 'ESTABLISHED' && inode === 0 && cookie !== null && ports.has(local.port)
        ? [cookie]
        : [],
    ),
    torn: table.torn,
    hidden,
  };
}

interface Neighbours {
  readonly namespace: NetworkNamespace;
  readonly processes: readonly TargetProcess[];
}

function byNamespace(
  kernel: Kernel,
  targets: readonly TargetProcess[],
): { readonly visible: readonly Neighbours[]; readonly hidden: readonly TargetProcess[] } {
  const visible = new Map<string, Neighbours & { readonly processes: TargetProcess[] }>();
  const hidden: TargetProcess[] = [];
  for (const target of targets) {
    const namespace = kernel.networkNamespace(target.pid);
    const neighbours = namespace === undefined ? undefined : visible.get(namespace.id);
    if (namespace === undefined) hidden.push(target);
    else if (neighbours === undefined) {
      visible.set(namespace.id, { namespace, processes: [target] });
    } else neighbours.processes.push(target);
  }
  return { visible: [...visible.values()], hidden };
}

/** Undefined: entering it takes rights that this user does not have. */
function tryTable(kernel: Kernel, namespace: NetworkNamespace): Of<SocketTable> | undefined {
  try {
    const own = kernel.networkNamespace(process.pid);
    for (let tries = 1; ; tries++) {
      const read = readTable(kernel, { ...namespace, name: namespace.id }, own);
      if (read?.table.torn !== true || tries === MOST_TRIES) return read;
    }
  } catch (error) {
    if (error instanceof KernelRefusal) return undefined;
    throw error;
  }
}
