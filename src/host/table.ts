/** The kernel's tables of sockets, of the network namespaces that were asked for. */
import type { Timekeeper } from '../core/fate-model.js';
import { timekeeper } from '../kernel/host-facts.js';
import { KernelRefusal, type Kernel } from '../kernel/kernel.js';
import type { SocketTable } from '../kernel/socket-view.js';
import {
  chosenNamespaces,
  isOfEntering,
  noNamespace,
  type KnownNamespace,
  type NamespaceChoice,
} from './namespaces.js';

export interface Table {
  readonly table: SocketTable;
  readonly namespace: KnownNamespace;
  readonly keeper: Timekeeper;
}

/** A dump that the kernel calls torn is asked for again: what comes and goes all the time stays torn. */
const MOST_TRIES = 3;

/** Of `all`, those that we may enter: the others are known, and not shown. */
export function readTables(
  kernel: Kernel,
  known: readonly KnownNamespace[],
  choice: NamespaceChoice | undefined,
): readonly Table[] {
  const [own] = known;
  return chosenNamespaces(kernel, known, choice).flatMap((namespace) => {
    try {
      return readTable(kernel, namespace, own) ?? [];
    } catch (error) {
      if (!(error instanceof KernelRefusal) || !isOfEntering(error)) throw error;
      if (choice === 'all') return [];
      throw noNamespace(namespace.name, error);
    }
  });
}

/** The same, to be walked through once: that of our own namespace is read meanwhile, and never again. */
export function tablesToCome(
  kernel: Kernel,
  known: readonly KnownNamespace[],
  choice: NamespaceChoice | undefined,
): readonly Table[] {
  const [own] = known;
  const isOwn = choice === undefined && own !== undefined;
  return isOwn
    ? [{ table: kernel.tcpSockets(), namespace: own, keeper: timekeeper() }]
    : readTables(kernel, known, choice);
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
): Table | undefined {
  const read = () => ({ table: wholeTable(kernel), namespace, keeper: timekeeper() });
  if (namespace.id === own?.id) return read();
  return kernel.inNetworkNamespace(namespace.path, () =>
    kernel.networkNamespace(process.pid)?.id === namespace.id ? read() : undefined,
  );
}

function wholeTable(kernel: Kernel): SocketTable {
  for (let tries = 1; ; tries++) {
    const table = kernel.tcpSockets('kept');
    if (!table.torn || tries === MOST_TRIES) return table;
  }
}
