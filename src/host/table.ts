/** The kernel's tables of sockets, of the network namespaces that were asked for. */
import type { Timekeeper } from '../core/fate-model.js';
import { msBetween } from '../core/time.js';
import { monotonicNow } from '../kernel/clock.js';
import { timekeeper } from '../kernel/host-facts.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { ComingTable, SocketTable } from '../kernel/socket-view.js';
import {
  chosenNamespaces,
  isOfEntering,
  noNamespace,
  type KnownNamespace,
  type NamespaceChoice,
} from './namespaces.js';

/** What belongs to a table of sockets. */
export interface Of<Table> {
  readonly table: Table;
  readonly namespace: KnownNamespace;
  readonly keeper: Timekeeper;
}

/** A table that the kernel calls torn is read again: where much comes and goes all the time it stays torn. */
export const MOST_TRIES = 3;

/**
 * Of `known`, those that were asked for and that we may enter: the others are known, and not shown. That of our
 * own namespace is read while it is walked through, the others now: entered is a namespace for no longer than that.
 * @throws TcpaliveError NO_TARGET or NO_CAPABILITY; KernelRefusal
 */
export function beginTables(
  kernel: Kernel,
  known: readonly KnownNamespace[],
  choice: NamespaceChoice | undefined,
): readonly Of<ComingTable>[] {
  const [own] = known;
  if (choice === undefined && own !== undefined) {
    return [{ table: kernel.comingTcpSockets(), namespace: own, keeper: timekeeper(kernel) }];
  }
  return chosenNamespaces(kernel, known, choice).flatMap((namespace) => {
    try {
      const [askedAt, from] = [new Date(), monotonicNow()];
      const read = readTable(kernel, namespace, own);
      const withinMs = msBetween(from, monotonicNow());
      return read === undefined ? [] : { ...read, table: inOnePart(read.table, askedAt, withinMs) };
    } catch (error) {
      if (!(error instanceof KernelRefusal) || !isOfEntering(error)) throw error;
      if (choice === 'all') return [];
      throw noNamespace(namespace.name, error);
    }
  });
}

function inOnePart(
  { timed, idle, torn }: SocketTable,
  askedAt: Date,
  withinMs: number,
): ComingTable {
  return {
    askedAt,
    torn,
    async *[Symbol.asyncIterator]() {
      yield await Promise.resolve({ timed, idle, withinMs });
    },
  };
}

/**
 * Undefined: it is gone, and the process that led to it is another.
 * @param own the one that this process is in: it need not be entered
 * @throws KernelRefusal
 */
export function readTable(
  kernel: Kernel,
  namespace: KnownNamespace,
  own: Pick<KnownNamespace, 'id'> | undefined,
): Of<SocketTable> | undefined {
  const read = () => ({ table: kernel.tcpSockets(), namespace, keeper: timekeeper(kernel) });
  if (namespace.id === own?.id) return read();
  return kernel.inNetworkNamespace(namespace.path, () =>
    kernel.networkNamespace(process.pid)?.id === namespace.id ? read() : undefined,
  );
}
